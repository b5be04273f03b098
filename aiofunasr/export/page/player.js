// The recording, and where it is: with no recording at hand, a place to be in the text all the same.
class Player extends EventTarget {
  constructor(audio) {
    super();
    this.audio = audio;
    this.place = 0;
    this.playing = false;
    // Without a source, and after an error, there is nothing to play until a file is chosen.
    this.ready = audio.hasAttribute("src");
    audio.addEventListener("play", () => this.run(true));
    audio.addEventListener("pause", () => this.run(false));
    audio.addEventListener("ended", () => this.run(false));
    audio.addEventListener("seeked", () => this.tell("move"));
    audio.addEventListener("loadedmetadata", () => {
      this.ready = true;
      if (Math.abs(audio.currentTime * 1000 - this.place) > 1) audio.currentTime = this.place / 1000;
      this.tell("ready");
    });
    audio.addEventListener("error", () => {
      this.ready = false;
      this.run(false);
      this.tell("missing");
    });
  }

  get time() {
    return this.ready && this.audio.readyState > 0 ? this.audio.currentTime * 1000 : this.place;
  }

  seek(time) {
    this.place = Math.max(0, time);
    if (this.ready && this.audio.readyState > 0) this.audio.currentTime = this.place / 1000;
    this.tell("move");
  }

  play() {
    if (!this.ready) {
      this.tell("missing");
      return;
    }
    this.audio.play().then(
      () => {},
      (error) => {
        if (error.name !== "AbortError") this.tell("missing");
      },
    );
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  open(file) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.place = this.time;
    this.url = URL.createObjectURL(file);
    this.audio.src = this.url;
    this.audio.load();
  }

  run(playing) {
    if (!playing) this.place = this.time;
    this.playing = playing;
    this.tell("state");
    if (playing) requestAnimationFrame(() => this.tick());
  }

  tick() {
    if (!this.playing) return;
    this.tell("move");
    requestAnimationFrame(() => this.tick());
  }

  tell(what) {
    this.dispatchEvent(new Event(what));
  }
}
