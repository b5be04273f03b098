// What keys do, wherever the focus is, unless it is where keys mean something of their own.
function listenToKeys({ player, reader, search, speed, help }) {
  const own = (target) => target.closest?.("input, select, textarea, dialog[open]");
  const pressed = (target) => target.closest?.("button, a, summary");
  addEventListener("keydown", (event) => {
    const find = event.key.toLowerCase() === "f" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (find && document.activeElement !== search.input) {
      // A second time, it is the browser's own.
      event.preventDefault();
      search.input.focus();
      search.input.select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || own(event.target)) return;
    if (event.key === " " && pressed(event.target)) return;
    const act = {
      " ": () => player.toggle(),
      ArrowLeft: () => (event.shiftKey ? reader.stepWord(-1) : player.seek(player.time - 5000)),
      ArrowRight: () => (event.shiftKey ? reader.stepWord(1) : player.seek(player.time + 5000)),
      j: () => reader.stepTurn(1),
      k: () => reader.stepTurn(-1),
      f: () => reader.setFollowing(true),
      "/": () => search.input.focus(),
      ",": () => speed(-1),
      ".": () => speed(1),
      "?": () => help.showModal(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
