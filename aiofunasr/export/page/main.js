// Puts the parts together.
const times = new Times(JSON.parse(document.getElementById("times").textContent));
const text = new Text(document.getElementById("transcript"));
const player = new Player(document.getElementById("audio"));
const reader = new Reader(times, text, player);
const timeline = new Timeline(times, player);
const search = new Search(text, reader, (hits) => timeline.mark(hits));

const play = document.getElementById("play");
play.addEventListener("click", () => player.toggle());
player.addEventListener("state", () => {
  play.classList.toggle("playing", player.playing);
  play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
});

const problem = document.getElementById("problem");
const file = document.getElementById("file");
const pick = file.parentElement;
pick.classList.toggle("quiet", player.ready);
file.addEventListener("change", () => file.files.length && player.open(file.files[0]));
player.addEventListener("ready", () => {
  problem.textContent = "";
  pick.classList.add("quiet");
});
player.addEventListener("missing", () => {
  problem.textContent = "The recording is not here.";
  pick.classList.remove("quiet");
});

text.turns.forEach((element, turn) => {
  element.querySelector(".time").addEventListener("click", () => {
    reader.go(turn);
    history.replaceState(null, "", `#t=${Math.floor(times.begins[turn] / 1000)}`);
    player.play();
  });
});
document.getElementById("transcript").addEventListener("click", (event) => {
  const place = getSelection().isCollapsed ? text.at(event) : null;
  if (!place) return;
  reader.go(place.turn, times.wordOn(place.turn, place.character));
  player.play();
});

const legend = [...document.querySelectorAll(".legend button")];
for (const button of legend) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    const chosen = legend.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => Number(one.value));
    text.turns.forEach((element, turn) => (element.hidden = chosen.length > 0 && !chosen.includes(times.voices[turn])));
    search.find();
  });
}

const speeds = document.getElementById("speed");
speeds.addEventListener("change", () => (player.audio.playbackRate = Number(speeds.value)));
function speed(step) {
  speeds.selectedIndex = Math.min(speeds.length - 1, Math.max(0, speeds.selectedIndex + step));
  player.audio.playbackRate = Number(speeds.value);
}
player.addEventListener("ready", () => speed(0));

const help = document.getElementById("keys");
document.getElementById("help").addEventListener("click", () => help.showModal());
listenToKeys({ player, reader, search, speed, help });

// A button that was clicked would take the next press of the space bar for itself.
addEventListener("click", (event) => event.detail > 0 && event.target.closest?.("button")?.blur());

function goToHash() {
  const place = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (place) player.seek(Number(place[1]) * 1000);
}
addEventListener("hashchange", goToHash);
goToHash();
