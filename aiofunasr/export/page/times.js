// When each turn and each word in it is spoken; all times are milliseconds, found by halving.
class Times {
  // turns: [begin, end, voice]; words: for each turn numbers in fours: the characters between the word before and this
  // one, its own, the milliseconds between the beginnings of both, its own.
  constructor({ turns, words, duration }) {
    this.begins = turns.map((turn) => turn[0]);
    this.ends = turns.map((turn) => turn[1]);
    this.voices = turns.map((turn) => turn[2]);
    this.duration = duration;
    this.packed = words;
    this.unpacked = new Map();
    // The latest end up to each turn: while it is past a time, an earlier turn may still go on.
    let latest = 0;
    this.latest = this.ends.map((end) => (latest = Math.max(latest, end)));
  }

  // The words of a turn: { at, length, begin, end }.
  words(turn) {
    let found = this.unpacked.get(turn);
    if (!found) {
      found = [];
      let at = 0;
      let begin = this.begins[turn];
      const numbers = this.packed[turn];
      for (let n = 0; n < numbers.length; n += 4) {
        at += numbers[n];
        begin += numbers[n + 2];
        found.push({ at, length: numbers[n + 1], begin, end: begin + numbers[n + 3] });
        at += numbers[n + 1];
      }
      this.unpacked.set(turn, found);
    }
    return found;
  }

  // The last turn that has begun, or -1.
  turnAt(time) {
    return Times.last(this.begins.length, (n) => this.begins[n] <= time);
  }

  // All turns that go on at a time, on several channels perhaps, the latest first.
  turnsDuring(time) {
    const found = [];
    for (let n = this.turnAt(time); n >= 0 && this.latest[n] > time; n--) {
      if (this.ends[n] > time) found.push(n);
    }
    return found;
  }

  // The word of a turn that is spoken at a time, or was just before; -1 before the first.
  wordAt(turn, time) {
    const words = this.words(turn);
    return Times.last(words.length, (n) => words[n].begin <= time);
  }

  // The word at a character of a turn, or the one before it.
  wordOn(turn, character) {
    const words = this.words(turn);
    return Math.max(0, Times.last(words.length, (n) => words[n].at <= character));
  }

  static last(count, holds) {
    let low = -1;
    let high = count;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (holds(middle)) low = middle;
      else high = middle;
    }
    return low;
  }
}

function clock(milliseconds) {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
