// Goes along in the text with the recording: the word that is spoken, the turn it is in, and the way to others.
class Reader {
  constructor(times, text, player) {
    this.times = times;
    this.text = text;
    this.player = player;
    this.current = [];
    this.words = "";
    this.follows = true;
    this.follow = document.getElementById("follow");
    player.addEventListener("move", () => this.update());
    player.addEventListener("state", () => this.offer());
    this.follow.addEventListener("click", () => this.setFollowing(true));
    for (const event of ["wheel", "touchmove"]) {
      addEventListener(event, () => player.playing && this.setFollowing(false), { passive: true });
    }
  }

  update() {
    const time = this.player.time;
    const during = this.times.turnsDuring(time);
    const places = during.map((turn) => [turn, this.times.wordAt(turn, time)]);
    const words = String(places);
    if (words === this.words) return;
    this.words = words;
    const shown = places.filter(([turn, word]) => word >= 0);
    const ranges = shown.map(([turn, word]) => {
      const { at, length } = this.times.words(turn)[word];
      return this.text.range(turn, at, length);
    });
    this.text.mark("word", ranges);
    for (const turn of this.current) {
      if (!during.includes(turn)) this.text.turns[turn].classList.remove("current");
    }
    for (const turn of during) this.text.turns[turn].classList.add("current");
    this.current = during;
    if (this.follows && shown.length) this.show(shown[0]);
  }

  show([turn, word]) {
    const { at, length } = this.times.words(turn)[word];
    this.text.show(turn, at, length);
  }

  setFollowing(follows) {
    this.follows = follows;
    this.offer();
    this.words = follows ? "" : this.words;
    if (follows) this.update();
  }

  offer() {
    this.follow.hidden = this.follows || !this.player.playing;
  }

  // Go to a word of a turn, and look at it.
  go(turn, word = 0) {
    const words = this.times.words(turn);
    this.follows = true;
    this.offer();
    this.player.seek(words.length ? words[word].begin : this.times.begins[turn]);
    if (words.length) this.show([turn, word]);
  }

  stepTurn(step) {
    const { begins } = this.times;
    const here = this.times.turnAt(this.player.time);
    // Back from the middle of a turn is to its beginning.
    const inside = here >= 0 && this.player.time - begins[here] > 1500;
    let turn = here + (step < 0 && inside ? 0 : step);
    while (this.text.turns[turn]?.hidden) turn += step;
    if (turn >= 0 && turn < begins.length) this.go(turn);
  }

  stepWord(step) {
    let turn = Math.max(0, this.times.turnAt(this.player.time));
    let word = this.times.wordAt(turn, this.player.time) + step;
    if (word < 0) {
      turn -= 1;
      word = turn >= 0 ? this.times.words(turn).length - 1 : -1;
    } else if (word >= this.times.words(turn).length) {
      turn += 1;
      word = 0;
    }
    if (turn >= 0 && turn < this.times.begins.length) this.go(turn, Math.max(0, word));
  }
}
