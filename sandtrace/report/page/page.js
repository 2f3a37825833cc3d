// SPDX-License-Identifier: GPL-2.0-or-later
// The page of a sandtrace report. Everything that comes from a log is put on the page as text.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const timeline = data.timeline || {
    began: 0, events: [], processes: [], targets: [], strings: [""], verdicts: [], kinds: [],
    path_ops: [], address_ops: [], more_events: 0, more_processes: 0, collapsed: 0,
  };
  const strings = timeline.strings;
  const byId = (id) => document.getElementById(id);
  const count = (number) => number.toLocaleString("en-US");

  // Unprintable characters are shown as C escapes in quotes: control and format characters (bidi
  // ones too), lone surrogates (bytes that are no UTF-8, by PEP 383), line and paragraph separators.
  const odd = /[\p{C}\p{Zl}\p{Zp}]/u;
  const escaped = (char) => {
    const code = char.codePointAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) return "\\x" + (code - 0xdc00).toString(16);
    const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"' }[char];
    if (short) return short;
    if (!odd.test(char)) return char;
    if (code < 0x80) return "\\" + code.toString(8).padStart(3, "0");
    return code < 0x10000 ? "\\u" + code.toString(16).padStart(4, "0")
      : "\\U" + code.toString(16).padStart(8, "0");
  };
  const shown = (text) => {
    if (text === null || text === undefined) return "?";
    if (text !== "" && text === text.trim() && !odd.test(text)) return text;
    return '"' + Array.from(text, escaped).join("") + '"';
  };
  const base = (path) => (path === null || path === undefined) ? "?"
    : shown(path.replace(/ \(deleted\)$/, "").split("/").pop() || path);
  const text = (number) => number < 0 ? null : strings[number];

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  };
  const style = (verdict) => verdict.startsWith("would") ? "would" : verdict;

  // --- headline, troubles, tabs ---------------------------------------------------------------

  const totals = data.totals;
  const words = [
    ["deny", "denied"], ["kill", "killed"], ["would deny", "would be denied"],
    ["would kill", "would be killed"], ["log", "logged"], ["allow", "allowed"],
  ];
  byId("headline").textContent = words.filter(([key]) => totals[key])
    .map(([key, word]) => `${count(totals[key])} ${word}`).join(", ") || "nothing was denied";
  if (data.troubles.length) {
    byId("troubles").hidden = false;
    byId("troubles").append(make("details", data.troubles.length > 4 ? {} : { open: "" },
      make("summary", {}, `The record is not complete (${count(data.troubles.length)})`),
      make("ul", {}, ...data.troubles.map((line) => make("li", {}, shown(line))))));
  }

  const isPath = new Set(timeline.path_ops);
  const isAddress = new Set(timeline.address_ops);
  const files = timeline.targets.filter(([op]) => isPath.has(strings[op]));
  const destinations = timeline.targets.filter(([op]) => isAddress.has(strings[op]));
  const tabs = [
    ["denials", "Decisions", data.entries.length, drawEntries],
    ["timeline", "Timeline", timeline.events.length, drawTimeline],
    ["processes", "Processes", timeline.processes.length, drawProcesses],
    ["files", "Files", files.length, drawFiles],
    ["network", "Network", destinations.length, drawNetwork],
    ["runs", "Runs", data.runs.length + data.more_runs, drawRuns],
  ];
  const drawn = new Set();
  function open(id) {
    for (const [name, , , draw] of tabs) {
      byId(name).hidden = name !== id;
      byId("tab-" + name).setAttribute("aria-selected", String(name === id));
      byId("tab-" + name).tabIndex = name === id ? 0 : -1;
      if (name === id && !drawn.has(name)) { drawn.add(name); draw(byId(name)); }
    }
    if (id === "timeline") resized();
  }
  for (const [name, label, number] of tabs) {
    byId("tabs").append(make("button", {
      id: "tab-" + name, type: "button", role: "tab", "aria-controls": name,
      onclick: () => open(name),
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const at = tabs.findIndex(([other]) => other === name);
        const next = tabs[(at + step + tabs.length) % tabs.length][0];
        open(next);
        byId("tab-" + next).focus();
      },
    }, label + " ", make("small", {}, count(number))));
  }

  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    if (drawn.has("timeline")) drawHistogram();
  });

  // --- decisions by entry -----------------------------------------------------------------------

  function drawEntries(section) {
    if (!data.entries.length) {
      section.append(make("p", { class: "empty" }, "Nothing was denied, killed or logged."));
      return;
    }
    for (const entry of data.entries) section.append(entryCard(entry));
    if (data.more_entries) {
      section.append(make("p", { class: "empty" },
        `${count(data.more_entries)} decisions of further entries are counted, not listed.`));
    }
  }
  function entryCard(entry) {
    const kind = entry.outcome.startsWith("would") ? "would" : entry.verdict;
    const place = entry.file === null ? entry.place
      : entry.file + (entry.line === null ? "" : ":" + entry.line);
    const rows = entry.findings.map((finding, at) => findingRows(finding, at === 0 && kind !== "log"));
    const body = make("table", {}, make("thead", {}, make("tr", {},
      make("th", { class: "number" }, "times"), make("th", {}, "operation"),
      make("th", {}, "target"), make("th", {}, "program"))), make("tbody", {}, ...rows.flat()));
    const rest = entry.things - entry.findings.length;
    return make("article", { class: "card " + kind },
      make("h2", {},
        make("span", { class: "badge " + kind }, `${count(entry.count)}× ${entry.outcome}`),
        make("code", {}, shown(place)),
        entry.entry === null ? null : make("code", { class: "soft" }, shown(entry.entry)),
        entry.quiet ? make("span", { class: "soft" }, "quiet") : null),
      entry.reason === null ? null : make("p", { class: "reason" }, shown(entry.reason)),
      make("details", entry.verdict === "log" ? {} : { open: "" },
        make("summary", {}, `${count(entry.things)} ${entry.things === 1 ? "thing" : "things"}`),
        body, rest > 0 ? make("p", { class: "soft" }, `and ${count(rest)} more`) : null));
  }
  function findingRows([times, op, target, exe, strace, explain], isOpen) {
    const copy = make("button", { type: "button", onclick: () => copied(copy, explain) }, "copy");
    const more = make("tr", { class: "more" }, make("td", {}),
      make("td", { colspan: "3" },
        make("div", { class: "mono" }, shown(strace)),
        make("div", { class: "why" }, make("span", { class: "soft" }, "why?"),
          make("code", {}, explain), copy)));
    more.hidden = !isOpen;
    const line = make("tr", {}, make("td", { class: "number" }, count(times)),
      make("td", {}, op), make("td", { class: "mono" }, shown(target)),
      make("td", { class: "mono" }, make("button", {
        type: "button", title: shown(exe), "aria-expanded": String(isOpen),
        onclick: (event) => {
          more.hidden = !more.hidden;
          event.currentTarget.setAttribute("aria-expanded", String(!more.hidden));
        },
      }, base(exe))));
    return [line, more];
  }
  function copied(button, words_) {
    const done = () => { button.textContent = "copied"; };
    if (navigator.clipboard) navigator.clipboard.writeText(words_).then(done, () => select(button));
    else select(button);
  }
  function select(button) {
    const range = document.createRange();
    range.selectNodeContents(button.previousSibling);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }

  // --- timeline: a list of which only what is in view exists ---------------------------------------

  const HEIGHT = 26;
  const [TIME, KIND, RUN, PID, VERDICT, OP, TARGET, EXE, DETAIL] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const events = timeline.events;
  let matching = events;
  let lower = null;
  let selected = null;

  const verdictOf = (event) => event[VERDICT] < 0 ? timeline.kinds[event[KIND]]
    : timeline.verdicts[event[VERDICT]];
  const subject = (event) => {
    const kind = timeline.kinds[event[KIND]];
    if (event[TARGET] >= 0) return shown(strings[event[TARGET]]);
    if (kind === "exit") return "ended with " + shown(strings[event[DETAIL]]);
    return shown(strings[event[DETAIL]]);
  };

  function choices(select_, label, values) {
    select_.replaceChildren(make("option", { value: "" }, label),
      ...values.map(([value, name]) => make("option", { value }, name)));
    select_.addEventListener("change", filter);
  }
  function distinct(column, limit) {
    const seen = new Map();
    for (const event of events) seen.set(event[column], (seen.get(event[column]) || 0) + 1);
    return [...seen].filter(([number]) => number >= 0).sort((a, b) => b[1] - a[1]).slice(0, limit);
  }
  function drawTimeline() {
    choices(byId("op"), "all", distinct(OP, 20).map(([number]) => [number, strings[number]]));
    const verdicts = [...new Set(events.map(verdictOf))].sort();
    choices(byId("verdict"), "all", verdicts.map((name) => [name, name]));
    choices(byId("program"), "all",
      distinct(EXE, 200).map(([number, many]) => [number, `${base(strings[number])} (${count(many)})`]));
    choices(byId("run"), "all", data.runs.slice(0, 500).map((run) =>
      [run.number, `${run.number}: ${base(run.argv[0])}`]));
    byId("search").addEventListener("input", filter);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("reset", () => setTimeout(filter));
    byId("list").addEventListener("scroll", drawRows);
    byId("list").addEventListener("keydown", moved);
    byId("histogram").addEventListener("click", jump);
    addEventListener("resize", resized);
    filter();
  }
  function filter() {
    const words_ = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [op, verdict, program, run] = ["op", "verdict", "program", "run"].map((id) => byId(id).value);
    if (words_.length && lower === null) lower = strings.map((one) => one.toLowerCase());
    const has = (event, word) => [OP, TARGET, EXE, DETAIL].some((column) =>
      event[column] >= 0 && lower[event[column]].includes(word));
    matching = events.filter((event) =>
      (op === "" || event[OP] === Number(op)) && (program === "" || event[EXE] === Number(program))
      && (run === "" || event[RUN] === Number(run)) && (verdict === "" || verdictOf(event) === verdict)
      && words_.every((word) => has(event, word) || String(event[PID]) === word));
    const left = timeline.more_events ? `; ${count(timeline.more_events)} more are counted, not listed` : "";
    byId("matches").textContent = `${count(matching.length)} of ${count(events.length)} events${left}`;
    byId("spacer").style.height = matching.length * HEIGHT + "px";
    byId("list").scrollTop = 0;
    selected = null;
    byId("detail").textContent = "";
    drawRows();
    drawHistogram();
  }
  function drawRows() {
    const list = byId("list");
    const first = Math.max(Math.floor(list.scrollTop / HEIGHT) - 10, 0);
    const last = Math.min(first + Math.ceil(list.clientHeight / HEIGHT) + 20, matching.length);
    const rows = byId("rows");
    rows.style.transform = `translateY(${first * HEIGHT}px)`;
    rows.replaceChildren(...matching.slice(first, last).map((event, at) => row(event, first + at)));
  }
  function row(event, at) {
    const verdict = verdictOf(event);
    const element = make("div", {
      class: "row mono", "data-at": at, "aria-selected": String(at === selected),
      onclick: () => choose(at),
    },
    make("span", { class: "soft" }, "+" + event[TIME].toFixed(6)),
    make("span", { class: style(verdict) }, verdict),
    make("span", { class: "wide" }, event[OP] < 0 ? "" : strings[event[OP]]),
    make("span", { class: "wide" }, event[EXE] < 0 ? `[${event[PID]}]`
      : `${base(strings[event[EXE]])}[${event[PID]}]`),
    make("span", {}, subject(event)));
    return element;
  }
  function choose(at) {
    selected = at;
    const event = matching[at];
    const when = timeline.began
      ? new Date((timeline.began + event[TIME]) * 1000).toISOString() : "";
    byId("detail").textContent = [
      `${when}  ${verdictOf(event)} ${event[OP] < 0 ? "" : strings[event[OP]]} ${subject(event)}`,
      `pid ${event[PID]}  ${shown(text(event[EXE]))}  run ${event[RUN]}`,
      event[DETAIL] > 0 ? shown(strings[event[DETAIL]]) : "",
    ].filter(Boolean).join("\n");
    drawRows();
  }
  function moved(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (!step || !matching.length) return;
    event.preventDefault();
    const at = Math.min(Math.max((selected === null ? -1 : selected) + step, 0), matching.length - 1);
    const list = byId("list");
    if (at * HEIGHT < list.scrollTop) list.scrollTop = at * HEIGHT;
    if ((at + 1) * HEIGHT > list.scrollTop + list.clientHeight) {
      list.scrollTop = (at + 1) * HEIGHT - list.clientHeight;
    }
    choose(at);
  }
  function span() {
    let end = 0;
    for (const event of events) if (event[TIME] > end) end = event[TIME];
    return end || 1;
  }
  function drawHistogram() {
    const canvas = byId("histogram");
    const width = canvas.clientWidth;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = 72 * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const bins = Math.max(Math.floor(width / 4), 1);
    const groups = ["allow", "log", "would", "deny", "kill"];
    const heights = Array.from({ length: bins }, () => [0, 0, 0, 0, 0]);
    const end = span();
    for (const event of matching) {
      if (event[VERDICT] < 0) continue;
      const bin = Math.min(Math.floor(event[TIME] / end * bins), bins - 1);
      heights[bin][groups.indexOf(style(verdictOf(event)))] += 1;
    }
    const highest = Math.max(1, ...heights.map((bin) => bin.reduce((a, b) => a + b)));
    const colours = getComputedStyle(document.documentElement);
    heights.forEach((bin, at) => {
      let y = 70;
      bin.forEach((many, group) => {
        if (!many) return;
        // What was denied is visible however small its share.
        const tall = Math.max(many / highest * 66, group > 1 ? 3 : 1);
        context.fillStyle = colours.getPropertyValue("--" + groups[group]);
        context.fillRect(at * 4, y - tall, 3, tall);
        y -= tall;
      });
    });
  }
  function jump(event) {
    const box = byId("histogram").getBoundingClientRect();
    const when = (event.clientX - box.left) / box.width * span();
    const at = matching.findIndex((one) => one[TIME] >= when);
    if (at >= 0) { byId("list").scrollTop = at * HEIGHT; choose(at); }
  }
  function resized() {
    if (!drawn.has("timeline")) return;
    drawRows();
    drawHistogram();
  }

  // --- trees: children are made when a node is opened ---------------------------------------------

  function tree(section, roots, label, children, empty) {
    if (!roots.length) { section.append(make("p", { class: "empty" }, empty)); return; }
    const list = make("ul", { role: "tree" });
    section.append(make("div", { class: "tree" }, list));
    addNodes(list, roots, label, children, roots.length <= 3 ? 2 : 0);
  }
  const STEP = 200;
  function addNodes(list, nodes, label, children, depth, from = 0) {
    for (const node of nodes.slice(from, from + STEP)) {
      const below = children(node);
      const item = make("li", { role: "treeitem" });
      if (below.length) {
        const inner = make("ul", { role: "group", hidden: "" });
        const toggle = make("button", { type: "button", "aria-label": "open or close" }, "+");
        const flip = () => {
          if (!inner.childElementCount) addNodes(inner, below, label, children, Math.max(depth - 1, 0));
          inner.hidden = !inner.hidden;
          toggle.textContent = inner.hidden ? "+" : "−";
          item.setAttribute("aria-expanded", String(!inner.hidden));
        };
        toggle.addEventListener("click", flip);
        item.append(toggle, label(node), inner);
        list.append(item);
        if (depth > 0) flip();
      } else {
        item.append(make("button", { type: "button", disabled: "" }, " "), label(node));
        list.append(item);
      }
    }
    if (nodes.length > from + STEP) {
      const more = make("li", {}, make("button", {
        type: "button", class: "all",
        onclick: () => { more.remove(); addNodes(list, nodes, label, children, 0, from + STEP); },
      }, "…"), `${count(nodes.length - from - STEP)} more`);
      list.append(more);
    }
  }
  function countLabel(counts) {
    const element = make("span", { class: "counts" });
    counts.forEach((many, at) => {
      if (many) {
        const name = timeline.verdicts[at];
        element.append(make("span", { class: style(name) }, `${count(many)} ${name}`));
      }
    });
    return element;
  }
  const weight = (counts) => counts.slice(2).reduce((a, b) => a + b, 0);
  const all = (counts) => counts.reduce((a, b) => a + b, 0);
  const heaviest = (a, b) => weight(b.counts) - weight(a.counts) || all(b.counts) - all(a.counts)
    || (a.name < b.name ? -1 : 1);

  function drawProcesses(section) {
    const nodes = new Map();
    for (const [run, pid, ppid, exe, argv, began, ended, end, decided, denied] of timeline.processes) {
      nodes.set(run + ":" + pid, { run, pid, ppid, exe, argv, began, ended, end, decided, denied, below: [] });
    }
    const roots = [];
    for (const node of nodes.values()) {
      const parent = node.ppid === null ? null : nodes.get(node.run + ":" + node.ppid);
      if (parent && parent !== node && !isBelow(parent, node, nodes)) parent.below.push(node);
      else roots.push(node);
    }
    if (timeline.more_processes) {
      section.append(make("p", { class: "soft" }, `${count(timeline.more_processes)} records of further processes are not listed.`));
    }
    tree(section, roots, (node) => make("span", {},
      make("code", { title: shown(text(node.exe)) }, `${base(text(node.exe))}[${node.pid}] `),
      make("span", { class: "mono soft" }, node.argv.slice(1).map((word) => shown(strings[word])).join(" ").slice(0, 200)),
      node.denied ? make("span", { class: "badge deny" }, `${count(node.denied)} denied`) : null,
      make("span", { class: "counts soft" },
        node.began !== null && node.ended !== null ? `${(node.ended - node.began).toFixed(3)} s` : "",
        node.end >= 0 ? ` ended with ${shown(text(node.end))}` : "")),
    (node) => node.below, "The logs hold no processes.");
  }
  // A log may say anything, even that two processes are each other's parents.
  function isBelow(node, ancestor, nodes) {
    for (let step = 0; node && step < 1000; step += 1) {
      if (node === ancestor) return true;
      node = node.ppid === null ? null : nodes.get(node.run + ":" + node.ppid);
    }
    return node !== null && node !== undefined;
  }

  function folders(list) {
    const top = { name: "", below: new Map(), counts: timeline.verdicts.map(() => 0), ops: new Set() };
    for (const [op, target, ...counts] of list) {
      let node = top;
      const path = strings[target];
      const parts = path.startsWith("/") ? path.split("/").slice(1).map((part) => "/" + part)
        : path.split(/(?<=^[a-z]+:)/);
      for (const part of parts) {
        if (!node.below.has(part)) {
          node.below.set(part, { name: part, below: new Map(), counts: timeline.verdicts.map(() => 0), ops: new Set() });
        }
        node = node.below.get(part);
        counts.forEach((many, at) => { node.counts[at] += many; });
      }
      node.ops.add(strings[op]);
    }
    return top;
  }
  // A folder with one child and nothing of its own is shown with it: /usr/lib/x86_64-linux-gnu.
  function joined(node) {
    let name = node.name;
    while (node.below.size === 1 && !node.ops.size) {
      node = node.below.values().next().value;
      name += node.name;
    }
    return { ...node, name };
  }
  function drawFiles(section) {
    section.append(make("p", { class: "soft" },
      "What files were used for, by folder; a folder's numbers include all beneath it. Where the log was written without --log-all, allowed operations are missing."));
    const below = (node) => [...node.below.values()].map(joined).sort(heaviest);
    tree(section, below(folders(files)), (node) => make("span", {},
      make("code", {}, shown(node.name)), countLabel(node.counts),
      make("span", { class: "counts soft" }, [...node.ops].sort().join(" "))),
    below, "The logs hold no decisions about files.");
    collapsed(section);
  }
  function drawNetwork(section) {
    const rows = destinations.map(([op, target, ...counts]) => ({ op: strings[op], name: strings[target], counts }))
      .sort(heaviest);
    if (!rows.length) {
      section.append(make("p", { class: "empty" }, "The logs hold no decisions about addresses."));
      return;
    }
    section.append(make("table", {}, make("thead", {}, make("tr", {}, make("th", {}, "destination"),
      make("th", {}, "operation"), make("th", {}, "how often"))),
    make("tbody", {}, ...rows.slice(0, 5000).map((node) => make("tr", {},
      make("td", { class: "mono" }, shown(node.name)), make("td", {}, node.op),
      make("td", {}, countLabel(node.counts)))))));
    if (rows.length > 5000) section.append(make("p", { class: "soft" }, `and ${count(rows.length - 5000)} more`));
    collapsed(section);
  }
  function collapsed(section) {
    if (timeline.collapsed) {
      section.append(make("p", { class: "soft" },
        `${count(timeline.collapsed)} operations on further targets are counted at their folder or family, marked “...”.`));
    }
  }
  function drawRuns(section) {
    section.append(make("table", {}, make("thead", {}, make("tr", {}, make("th", {}, "command"),
      make("th", {}, "policies"), make("th", { class: "number" }, "status"), make("th", {}, "began"),
      make("th", {}, "log"))),
    make("tbody", {}, ...data.runs.map((run) => make("tr", {},
      make("td", { class: "mono" }, run.argv.map(shown).join(" ") || "?"),
      make("td", {}, run.policies.map(shown).join(", ") + (run.audit ? " (audit)" : "")),
      make("td", { class: "number" }, run.status === null ? "no end" : String(run.status)),
      make("td", {}, shown(run.began)), make("td", { class: "mono" }, shown(run.log)))))));
    if (data.more_runs) section.append(make("p", { class: "soft" }, `and ${count(data.more_runs)} more runs`));
  }

  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      open("timeline");
      byId("search").focus();
    }
  });
  open("denials");
})();
