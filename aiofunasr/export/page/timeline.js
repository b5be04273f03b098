// The whole recording as a strip: who speaks when, where the matches are, and a way to any place in it.
class Timeline {
  constructor(times, player) {
    this.times = times;
    this.player = player;
    this.element = document.getElementById("timeline");
    this.canvas = this.element.querySelector("canvas");
    this.head = document.getElementById("playhead");
    this.now = document.getElementById("now");
    this.hits = [];
    this.element.setAttribute("aria-valuemax", Math.round(times.duration / 1000));
    document.getElementById("whole").textContent = clock(times.duration);
    new ResizeObserver(() => this.draw()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.element.addEventListener("pointerdown", (event) => this.drag(event));
    this.element.addEventListener("pointermove", (event) => event.buttons && this.drag(event));
    this.element.addEventListener("keydown", (event) => {
      const places = { Home: 0, End: times.duration, PageUp: player.time - 60000, PageDown: player.time + 60000 };
      if (!(event.key in places)) return;
      event.preventDefault();
      player.seek(places[event.key]);
    });
    player.addEventListener("move", () => this.update());
    this.update();
  }

  drag(event) {
    this.element.setPointerCapture(event.pointerId);
    const box = this.element.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    this.player.seek(share * this.times.duration);
  }

  mark(hits) {
    this.hits = hits;
    this.draw();
  }

  draw() {
    const { width, height } = this.element.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name);
    context.fillStyle = color("--turn");
    context.fillRect(0, 0, width, height);
    const x = (time) => (time / this.times.duration) * width;
    const voices = Math.max(0, ...this.times.voices) + 1;
    const rows = Math.min(voices, 4);
    const row = (height - 9) / rows;
    const { begins, ends } = this.times;
    for (let turn = 0; turn < begins.length; turn++) {
      const voice = this.times.voices[turn];
      context.fillStyle = color(voices > 1 ? `--voice-${voice % 8}` : "--soft");
      context.globalAlpha = 0.75;
      const left = x(begins[turn]);
      context.fillRect(left, 7 + (voice % rows) * row, Math.max(0.75, x(ends[turn]) - left - 0.5), Math.max(1, row - 1));
    }
    context.globalAlpha = 1;
    context.fillStyle = color("--this-hit");
    let last = -1;
    for (const { turn, at } of this.hits) {
      const words = this.times.words(turn);
      const time = words.length ? words[this.times.wordOn(turn, at)].begin : begins[turn];
      const place = Math.round(x(time));
      if (place !== last) context.fillRect(place - 0.75, 0, 1.5, 5);
      last = place;
    }
  }

  update() {
    const time = Math.min(this.player.time, this.times.duration);
    this.head.style.left = `${(time / this.times.duration) * 100}%`;
    const shown = clock(time);
    if (this.now.textContent === shown) return;
    this.now.textContent = shown;
    this.element.setAttribute("aria-valuenow", Math.round(time / 1000));
    this.element.setAttribute("aria-valuetext", `${shown} of ${clock(this.times.duration)}`);
  }
}
