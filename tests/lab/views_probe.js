/**
 * What a page is asked while the views are measured: which messages came, how fast is drawn, what is shown.
 *
 * `gnomonProbe` is put into the page once; it only listens, and keeps two numbers for each message.
 */
window.gnomonProbe = {
  /** By comm: the view's name, and `[when the kernel wrote it in s, bytes]` of each of its messages. */
  views: {},

  /** Listens to the kernel of the notebook in front. */
  listen() {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    kernel.iopubMessage.connect((_, message) => {
      const { msg_type } = message.header;
      const { comm_id, data } = message.content;
      if (msg_type === 'comm_open' && data?.state?._view) {
        this.views[comm_id] = { name: data.state._view, messages: [] };
      } else if (msg_type === 'comm_msg') {
        const told = data.method === 'custom' ? data.content : data;
        if (told.kind === 'snapshot' || told.kind === 'delta' || told.kind === 'idle') {
          this.views[comm_id] ??= { name: 'side panel and tabs', messages: [] };
          this.views[comm_id].messages.push([told.time, this.size(message)]);
        }
      }
    });
  },

  /** Bytes of a message as it travels, but for the few of its framing. */
  size({ header, parent_header, metadata, content, buffers }) {
    const text = JSON.stringify([header, parent_header, metadata, content]);
    const binary = (buffers ?? []).reduce((sum, buffer) => sum + buffer.byteLength, 0);
    return new TextEncoder().encode(text).length + binary;
  },

  /** Messages since the last call. */
  take() {
    const taken = Object.values(this.views).filter(view => view.messages.length > 0);
    this.views = Object.fromEntries(
      Object.entries(this.views).map(([id, { name }]) => [id, { name, messages: [] }])
    );
    return taken;
  },

  /** Zooms and pans a canvas for so many frames; milliseconds between frames, and when it was drawn. */
  async move(selector, frames) {
    const canvas = document.querySelector(selector);
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const at = { bubbles: true, cancelable: true, clientX: left + width / 2, clientY: top + height / 2 };
    const context = canvas.getContext('2d');
    const draws = [];
    context.clearRect = (...box) => {
      draws.push(performance.now());
      CanvasRenderingContext2D.prototype.clearRect.apply(context, box);
    };
    const gaps = [];
    let last = await new Promise(requestAnimationFrame);
    for (let frame = 0; frame < frames; frame++) {
      const deltaY = frame % 40 < 20 ? -12 : 12;
      const key = frame % 40 < 20 ? 'ArrowLeft' : 'ArrowRight';
      canvas.dispatchEvent(new WheelEvent('wheel', { ...at, ctrlKey: true, deltaY }));
      canvas.dispatchEvent(new KeyboardEvent('keydown', { ...at, key }));
      const now = await new Promise(requestAnimationFrame);
      gaps.push(now - last);
      last = now;
    }
    delete context.clearRect;
    return { gaps, draws };
  },

  /** Watches texts for a while: how often each changed, and what it says at the end. */
  async watch(selector, duration) {
    const counts = new Map();
    const observers = [...document.querySelectorAll(selector)].map(element => {
      counts.set(element, 0);
      const observer = new MutationObserver(() => counts.set(element, counts.get(element) + 1));
      observer.observe(element, { characterData: true, childList: true, subtree: true });
      return observer;
    });
    await new Promise(resolve => setTimeout(resolve, duration));
    observers.forEach(observer => observer.disconnect());
    return [...counts.values()];
  }
};
