// The transcript on the page: its turns, ranges of characters in them, and colours laid over those.
class Text {
  constructor(main) {
    this.turns = [...main.getElementsByClassName("turn")];
    // Marks are laid over the text rather than built into it, so that hours of words cost no elements. Where the browser
    // knows no marks, the turn alone is shown.
    this.marks = new Map();
    if (typeof Highlight !== "undefined" && CSS.highlights) {
      ["hit", "this-hit", "word"].forEach((name, priority) => {
        const mark = new Highlight();
        mark.priority = priority;
        CSS.highlights.set(name, mark);
        this.marks.set(name, mark);
      });
    }
  }

  characters(turn) {
    return this.turns[turn].lastElementChild.firstChild;
  }

  content(turn) {
    return this.characters(turn).data;
  }

  range(turn, at, length) {
    const range = new StaticRange({
      startContainer: this.characters(turn),
      startOffset: at,
      endContainer: this.characters(turn),
      endOffset: at + length,
    });
    return range;
  }

  mark(name, ranges) {
    const mark = this.marks.get(name);
    if (!mark) return;
    mark.clear();
    for (const range of ranges) mark.add(range);
  }

  // The turn and the character under a click, or null.
  at(event) {
    const paragraph = event.target.closest?.(".turn > p");
    if (!paragraph) return null;
    const place = document.caretPositionFromPoint
      ? document.caretPositionFromPoint(event.clientX, event.clientY)
      : document.caretRangeFromPoint(event.clientX, event.clientY);
    const offset = place && (place.offset ?? place.startOffset);
    return { turn: this.turns.indexOf(paragraph.parentElement), character: offset ?? 0 };
  }

  // Scroll to a place in a turn, unless it can be seen already.
  show(turn, at = 0, length = 1) {
    const element = this.turns[turn];
    if (element.hidden) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const far = Math.abs(element.getBoundingClientRect().top) > innerHeight * 1.5;
    const behavior = calm || far ? "instant" : "smooth";
    // What was never on the screen has a height that is a guess; it is near first, and then aimed at.
    if (far) element.scrollIntoView({ block: "nearest", behavior });
    const range = document.createRange();
    range.setStart(this.characters(turn), at);
    range.setEnd(this.characters(turn), at + length);
    const box = range.getBoundingClientRect();
    const top = document.querySelector("header").getBoundingClientRect().bottom;
    const room = document.querySelector("footer").getBoundingClientRect().top - top;
    if (box.top >= top + room * 0.1 && box.bottom <= top + room * 0.75) return;
    scrollBy({ top: box.top - top - room * 0.3, behavior });
  }
}
