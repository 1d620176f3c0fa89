// Shows status.json, again and again. All that the server says is put in as text, never as markup.
"use strict";

const EVERY = 1000;
const SVG = "http://www.w3.org/2000/svg";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function count(number) {
  return number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 1 : 0 });
}

function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) { number /= 1000; unit += 1; }
  return `${number < 10 && unit ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}

function seconds(number) {
  if (number === null || number === undefined) return "–";
  if (number === 0) return "0 s";
  if (number < 0.001) return `${Math.round(number * 1e6)} µs`;
  if (number < 1) return `${(number * 1000).toFixed(number < 0.01 ? 1 : 0)} ms`;
  if (number < 120) return `${number.toFixed(number < 10 ? 1 : 0)} s`;
  if (number < 7200) return `${Math.round(number / 60)} min`;
  if (number < 172800) return `${Math.round(number / 3600)} h`;
  return `${Math.round(number / 86400)} d`;
}

const TILES = [
  ["Connections", s => [count(s.connections.now), `${count(s.connections.ready)} ready, ${count(s.connections.total)} in all`]],
  ["Calls per second", s => [count(s.calls.perSecond), `${count(s.calls.total)} in all`]],
  ["Calls in progress", s => [count(s.calls.inProgress), `${count(s.calls.failed)} have failed`]],
  ["Median call time", s => [seconds(s.calls.percentiles["50"]), `99 %: ${seconds(s.calls.percentiles["99"])}`]],
  ["Received", s => [bytes(s.bytes.received), `sent: ${bytes(s.bytes.sent)}`]],
  ["Refused", s => [count(s.connections.refused), `connections; ${count(s.loginsRefused)} logins`]],
];

const PLOTS = [
  ["Calls per second", count, [["perSecond", ""]]],
  ["Call time", seconds, [["p50", "50 %"], ["p99", "99 %"]]],
  ["Connections", count, [["connections", ""]]],
  ["Bytes per second", bytes, [["received", "in"], ["sent", "out"]]],
];

const COLUMNS = [
  ["No.", "number", c => c.number],
  ["Peer", "whole", c => c.peer, true],
  ["Avatar", "name-cell", c => c.avatar === null ? `(${c.phase})` : c.avatar, true],
  ["Login", "whole", c => c.mechanism === null ? "–" : c.mechanism],
  ["TLS", "", c => c.tls === null ? "–" : c.tls.replace(/^TLSv/, "")],
  ["Dialect", "", c => c.dialect === null ? "–" : c.dialect],
  ["Age", "number", c => seconds(c.age)],
  ["Silent", "number", c => seconds(c.silent)],
  ["References", "number", c => count(c.references)],
  ["Running", "number", c => count(c.inProgress)],
  ["Calls", "number", c => count(c.calls)],
  ["In", "number", c => bytes(c.received)],
  ["Out", "number", c => bytes(c.sent)],
];

function showTiles(status) {
  const tiles = TILES.map(([name, value]) => {
    const [main, more] = value(status);
    const tile = element("div", "tile");
    tile.append(element("span", "name", name), element("span", "value", main), element("span", "more", more));
    return tile;
  });
  document.getElementById("tiles").replaceChildren(...tiles);
}

function line(values, most, className) {
  const drawn = document.createElementNS(SVG, "polyline");
  const step = 100 / Math.max(1, values.length - 1);
  const points = values.map((value, index) => [index * step, value])
    .filter(([, value]) => value !== null)
    .map(([x, value]) => `${x.toFixed(2)},${(30 - 28 * value / most).toFixed(2)}`);
  drawn.setAttribute("points", points.join(" "));
  drawn.setAttribute("class", className);
  return drawn;
}

function showPlots(status) {
  const plots = PLOTS.map(([name, shown, series]) => {
    const columns = series.map(([key]) => status.history.map(sample => sample[key]));
    const most = Math.max(...columns.flat().filter(value => value !== null), 0) || 1;
    const plot = element("figure", "plot");
    const caption = element("figcaption");
    caption.append(element("span", "name", name));
    const now = element("span", "now");
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", "0 0 100 31");
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("role", "img");
    const base = document.createElementNS(SVG, "line");
    for (const [key, value] of [["x1", 0], ["x2", 100], ["y1", 30.5], ["y2", 30.5], ["class", "base"]]) {
      base.setAttribute(key, value);
    }
    picture.append(base);
    series.forEach(([, label], index) => {
      const known = columns[index].filter(value => value !== null);
      const latest = known.length ? shown(known[known.length - 1]) : "–";
      const className = index ? "second" : "first";
      now.append(element("span", className, `${index ? "  " : ""}${label} ${latest}`));
      picture.append(line(columns[index], most, className));
    });
    picture.setAttribute("aria-label", `${name}: ${now.textContent.trim()}; at most ${shown(most)} in the last two minutes`);
    caption.append(now);
    plot.append(caption, picture);
    return plot;
  });
  document.getElementById("plots").replaceChildren(...plots);
}

function row(cells) {
  const made = element("tr");
  made.append(...cells);
  return made;
}

function showConnections(status) {
  const head = element("thead");
  head.append(row(COLUMNS.map(([name, className]) => {
    const cell = element("th", className, name);
    cell.scope = "col";
    return cell;
  })));
  const body = element("tbody");
  for (const connection of status.list) {
    body.append(row(COLUMNS.map(([name, className, value, wide]) => {
      const cell = element("td", className);
      const old = name === "Login" && connection.mechanism === "md5";
      cell.append(element("span", old ? "old" : "", String(value(connection))));
      cell.dataset.label = name;
      if (wide) cell.dataset.wide = "";
      return cell;
    })));
  }
  if (!status.list.length) {
    const cell = element("td", "empty", "None.");
    cell.colSpan = COLUMNS.length;
    body.append(row([cell]));
  }
  document.getElementById("connections").replaceChildren(head, body);
  document.getElementById("left-out").textContent =
    status.leftOut ? `${count(status.leftOut)} more, which are less busy, are not shown.` : "";
}

function showPairs(id, rows, none) {
  const body = element("tbody");
  for (const [name, ...values] of rows) {
    body.append(row([element("td", "name-cell", name), ...values.map(value => element("td", "number", value))]));
  }
  if (!rows.length) body.append(row([element("td", "empty", none)]));
  document.getElementById(id).replaceChildren(body);
}

function show(status) {
  const state = document.getElementById("state");
  state.textContent = status.state;
  state.className = `state ${status.state}`;
  document.getElementById("about").textContent = `myspread ${status.version}, for ${seconds(status.uptime)}`;
  showTiles(status);
  showPlots(status);
  showConnections(status);
  showPairs("limits", Object.entries(status.limits).map(([name, times]) => [name, count(times)]), "None.");
  showPairs("logins", Object.entries(status.logins).map(([name, times]) => [name, count(times)]), "None yet.");
  showPairs("md5", status.oldLogins.map(old =>
    [old.name, `${count(old.times)}×`, old.peer, `${seconds(old.ago)} ago`]), "Nobody.");
}

async function look() {
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    const state = document.getElementById("state");
    state.textContent = "no answer from the server";
    state.className = "state lost";
  }
  setTimeout(look, document.hidden ? 5 * EVERY : EVERY);
}

look();
