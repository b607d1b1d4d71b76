// Browsers give no Worker to a page that was opened from a disk. The site's search wants one: this
// stands in for it, a hidden frame that runs the same script. Named as mkdocs-material expects it:
// its plugin `offline` loads one from another machine otherwise.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inside = frame.contentWindow;
      this.inside.postMessage = data => this.tell(this, data);
      this.loaded = new Promise(done => {
        const script = this.inside.document.createElement("script");
        script.src = address;
        script.onload = done;
        this.inside.document.body.appendChild(script);
      });
    }
    postMessage(data) {
      this.loaded.then(() => this.tell(this.inside, data));
    }
    tell(target, data) {
      setTimeout(() => target.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() {
      this.inside.frameElement.remove();
    }
  };
}
