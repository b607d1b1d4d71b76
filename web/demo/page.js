/** An element of the page. */
export const find = (id) => document.getElementById(id);

/** Let a file be downloaded, under a name. */
export function offer(file, name) {
  const link = find("download");
  URL.revokeObjectURL(link.href);
  [link.href, link.download, link.hidden] = [URL.createObjectURL(file), name, false];
}
