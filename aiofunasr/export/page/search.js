// Search: all places of a text, whatever the case, and the way from one to the next.
class Search {
  constructor(text, reader, onFound) {
    this.text = text;
    this.reader = reader;
    this.onFound = onFound;
    this.input = document.getElementById("query");
    this.count = document.getElementById("hits");
    this.earlier = document.getElementById("earlier");
    this.later = document.getElementById("later");
    this.hits = [];
    this.at = -1;
    let waiting;
    this.input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.find(), 80);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        clearTimeout(waiting);
        if (this.searched !== this.input.value) this.find();
        else this.step(event.shiftKey ? -1 : 1);
      } else if (event.key === "Escape") {
        event.preventDefault();
        this.input.value = "";
        this.find();
        this.input.blur();
      }
    });
    this.earlier.addEventListener("click", () => this.step(-1));
    this.later.addEventListener("click", () => this.step(1));
  }

  find() {
    this.searched = this.input.value;
    const wanted = this.searched.trim().normalize("NFC");
    this.hits = wanted ? this.all(wanted) : [];
    // Onwards from where the recording is.
    const here = Math.max(0, this.reader.times.turnAt(this.reader.player.time));
    const next = Times.last(this.hits.length, (n) => this.hits[n].turn < here) + 1;
    this.at = this.hits.length ? next % this.hits.length : -1;
    this.onFound(this.hits);
    this.show();
  }

  all(wanted) {
    // White space is any, and nothing else is more than it says.
    const words = wanted.split(/\s+/u).map((word) => word.replace(/[.*+?^$|()[\]{}\\\/]/gu, "\\$&"));
    const pattern = new RegExp(words.join("\\s+"), "giu");
    const found = [];
    for (let turn = 0; turn < this.text.turns.length; turn++) {
      if (this.text.turns[turn].hidden) continue;
      for (const match of this.text.content(turn).matchAll(pattern)) {
        found.push({ turn, at: match.index, length: match[0].length });
      }
    }
    return found;
  }

  step(by) {
    if (!this.hits.length) return;
    this.at = (this.at + by + this.hits.length) % this.hits.length;
    this.show();
  }

  show() {
    const { hits, at } = this;
    this.earlier.disabled = this.later.disabled = !hits.length;
    const number = new Intl.NumberFormat();
    if (!this.searched.trim()) this.count.value = "";
    else this.count.value = hits.length ? `${number.format(at + 1)} of ${number.format(hits.length)}` : "none";
    // Around the one that is looked at; a letter alone is found a hundred thousand times.
    const near = hits.slice(Math.max(0, at - 2000), at + 2000);
    this.text.mark("hit", near.map((hit) => this.text.range(hit.turn, hit.at, hit.length)));
    const hit = hits[at];
    this.text.mark("this-hit", hit ? [this.text.range(hit.turn, hit.at, hit.length)] : []);
    if (!hit) return;
    if (this.reader.player.playing) this.reader.setFollowing(false);
    this.text.show(hit.turn, hit.at, hit.length);
  }
}
