/** An element of the page. */
export const find = (id) => document.getElementById(id);
