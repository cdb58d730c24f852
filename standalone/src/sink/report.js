"use strict";
// Shows the figures where the pointer is. Text goes in as text only, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const plot = document.getElementById("plot");
  const tip = document.getElementById("tip");
  const cross = document.getElementById("cross");
  if (!plot || !data) return;

  const byUtterance = new Map();
  for (const point of data.points) {
    if (!byUtterance.has(point[0])) byUtterance.set(point[0], []);
    byUtterance.get(point[0]).push(point);
  }
  const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;
  const signed = (v) => (v < 0 ? "−" : "+") + Math.abs(v).toFixed(2);
  const make = (name, kind, text) => {
    const node = document.createElement(name);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const rows = new Map();
  for (const row of document.querySelectorAll("tr[data-id]")) rows.set(Number(row.dataset.id), row);

  function show(utterance, at) {
    const points = byUtterance.get(utterance.id) || [];
    // The score that stood at this moment: the first one made of speech up to here or later.
    const point = points.find((p) => p[1] >= at) || points[points.length - 1];
    tip.replaceChildren();
    tip.append(make("div", "when", `${clock(at)} in ${clock(utterance.start)}–${clock(utterance.end)}`));
    tip.append(make("div", "what", `${utterance.label}, ${(utterance.confidence * 100).toFixed(0)} %`));
    if (point) {
      const order = data.labels.map((name, i) => [name, point[2][i]]).sort((a, b) => b[1] - a[1]);
      for (const [name, share] of order) {
        const row = make("div", "row");
        const rail = make("span", "rail");
        const fill = make("i", `l-${name}`);
        fill.style.width = `${share * 100}%`;
        rail.append(fill);
        row.append(make("span", "", name), rail, make("span", "", `${(share * 100).toFixed(0)} %`));
        tip.append(row);
      }
      tip.append(make("div", "pair", `valence ${signed(point[3])}, arousal ${signed(point[4])}`));
    }
    if (utterance.evidence) tip.append(make("div", "side", utterance.evidence));
    if (utterance.words) {
      const said = make("div", "said");
      if (utterance.speaker) said.append(make("b", "", `${utterance.speaker}: `));
      said.append(document.createTextNode(utterance.words));
      tip.append(said);
    }
    tip.hidden = false;
  }

  function hide() {
    tip.hidden = true;
    cross.setAttribute("visibility", "hidden");
    for (const row of rows.values()) row.classList.remove("on");
  }

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * data.width;
    const at = ((x - data.left) / (data.width - data.left - data.right)) * data.seconds;
    const utterance = data.utterances.find((u) => at >= u.start && at <= u.end);
    hide();
    if (at < 0 || at > data.seconds) return;
    cross.setAttribute("x1", x);
    cross.setAttribute("x2", x);
    cross.setAttribute("visibility", "visible");
    if (!utterance) return;
    show(utterance, at);
    rows.get(utterance.id)?.classList.add("on");
    const card = tip.parentElement.getBoundingClientRect();
    const left = event.clientX - card.left;
    const side = left + 18 + tip.offsetWidth > card.width ? left - 18 - tip.offsetWidth : left + 18;
    tip.style.left = `${Math.max(6, side)}px`;
    tip.style.top = `${Math.max(6, event.clientY - card.top - 40)}px`;
  });
  plot.addEventListener("pointerleave", hide);
})();
