// The page: the list, the selected mail, its views and the keys.

// Letters without accents that Unicode does not take apart.
const BASE = { ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", æ: "ae", œ: "oe", ß: "ss", ı: "i" };

function plain(text) {
  const lower = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return lower.replace(/[øłđðþæœßı]/g, (letter) => BASE[letter]);
}

const data = JSON.parse(document.getElementById("data").textContent);
const { letters, lines: shared, words: say } = data;
const members = data.members.map(([letter, name, address, organisation, salutation, odd, values], number) => ({
  number,
  letter: letters[letter],
  variant: letter,
  name,
  address,
  organisation,
  salutation,
  odd,
  values,
  sought: plain(`${name} ${address} ${organisation}`),
}));
const VIEWS = ["mail", "text", "head", "differences"];
const at = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 760px)");

const state = {
  member: null,
  shown: members,
  view: "mail",
  width: narrow.matches ? "phone" : "desktop",
  colours: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
};

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function filledIn(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

// ---- The mail's parts

const lineOf = (member) => (line) => filled(line, shared, member.values);
const calendarOf = (member) => member.letter.calendar.map(lineOf(member));
const textOf = (member) => textLines(member.letter, shared, member.values);

// The head as [name, text], and the recipient as a mail program shows it.
function headOf({ letter, values }) {
  const value = (field) => values[letter.fields.indexOf(field)];
  const to = inOneLine(value("to_name"));
  return letter.head.map(([name, line]) => [
    name,
    line === null
      ? to ? `${to} <${value("to_address")}>` : value("to_address")
      : inOneLine(filled(line, shared, values)),
  ]);
}

function fieldOf(member, name) {
  return headOf(member).find(([found]) => found.toLowerCase() === name)?.[1] ?? "";
}

// The HTML part as the frame shows it: embedded images in place, style sheets let in, colours as chosen, and links
// that open nothing. All of it is done to the letter's own text: a value is never touched.
function pageOf({ letter, values }, colours) {
  const images = Object.entries(letter.images);
  const change = (text) => {
    for (const [name, line] of images) text = text.replaceAll(`cid:${name}`, shared[line]);
    return text
      .replace(/<style\b/gi, `<style nonce="${data.nonce}"`)
      .replace(/<head\b[^>]*>/i, '$&<base target="_blank">')
      .replace(/prefers-color-scheme\s*:\s*(dark|light)/gi, (_, asked) =>
        asked.toLowerCase() === colours ? "min-width: 0" : "max-width: 0",
      )
      .replace(/(color-scheme(?:\s*:\s*|" content="))(?:light dark|dark light)/gi, `$1${colours}`);
  };
  return letter.html.map((line) => filled(line, shared, values, change)).join("\n");
}

// ---- The display

// Only the rows in sight are in the list, each at its own height: thousands would make every change slow.
const LINES = [(member) => member.name && member.address, (member) => member.organisation, (member) => member.salutation];
const ROW = 38 + 18 * LINES.filter((has) => members.some(has)).length;
const BEYOND = 6;

function salutationOf({ salutation, odd }) {
  const text = odd ? `${salutation} (${odd})` : salutation;
  return element("span", { class: odd ? "salutation odd" : "salutation", title: text }, text);
}

function rowOf(member, place) {
  const selected = member === state.member;
  const row = element("div", {
    role: "option",
    id: `row-${member.number}`,
    "aria-selected": String(selected),
    "aria-setsize": state.shown.length,
    "aria-posinset": place + 1,
  });
  row.style.top = `${place * ROW}px`;
  row.style.height = `${ROW}px`;
  row.append(element("span", { class: "name" }, member.name || member.address));
  if (member.salutation) row.append(salutationOf(member));
  if (member.name && member.address) row.append(element("span", { class: "address" }, member.address));
  if (member.organisation) row.append(element("span", { class: "organisation" }, member.organisation));
  if (member.variant > 0 && letters.length < members.length) {
    const title = filledIn(say.variant, { number: member.variant + 1 });
    row.append(element("span", { class: "badge", title, "aria-label": title }, String(member.variant + 1)));
  }
  return row;
}

function drawList() {
  const list = at("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - BEYOND);
  const last = Math.ceil((list.scrollTop + list.clientHeight) / ROW) + BEYOND;
  const rows = state.shown.slice(first, last).map((member, number) => rowOf(member, first + number));
  at("rows").style.height = `${state.shown.length * ROW}px`;
  at("rows").replaceChildren(...rows);
}

// Scroll the list no farther than needed to have the selected row in sight.
function revealSelected() {
  const list = at("list");
  const top = state.shown.indexOf(state.member) * ROW;
  if (top >= 0) list.scrollTop = Math.max(Math.min(list.scrollTop, top), top + ROW - list.clientHeight);
  drawList();
}

function search() {
  const asked = plain(at("search").value).split(/\s+/).filter(Boolean);
  state.shown = members.filter((member) => asked.every((word) => member.sought.includes(word)));
  const count = { found: state.shown.length, all: members.length };
  at("found").textContent = state.shown.length ? filledIn(say.found, count) : say.none_found;
  if (state.shown.length && !state.shown.includes(state.member)) select(state.shown[0]);
  else revealSelected();
}

function select(member) {
  state.member = member;
  revealSelected();
  at("list").setAttribute("aria-activedescendant", `row-${member.number}`);
  show();
}

function step(by) {
  const { shown, member } = state;
  if (!shown.length) return;
  const place = shown.indexOf(member);
  select(shown[Math.min(Math.max(place + by, 0), shown.length - 1)]);
}

function filesOf(member) {
  const { files, own } = member.letter;
  return own === null ? files : files.concat(member.values[own]);
}

function show() {
  const { member } = state;
  const { letter } = member;
  at("subject").textContent = fieldOf(member, "subject");
  at("from").textContent = fieldOf(member, "from");
  at("to").textContent = fieldOf(member, "to");
  at("variant").textContent =
    letters.length > 1 ? `${filledIn(say.variant, { number: member.variant + 1 })}: ${letter.words}` : letter.words;
  const files = filesOf(member);
  at("attached").hidden = files.length === 0;
  at("attached").lastElementChild.textContent = files.map(([name, , size]) => `${name} (${size})`).join(", ");
  at("text").textContent = textOf(member).join("\n");
  showFrame();
  showHead(member);
  showDifferences(member);
}

function showFrame() {
  at("written").hidden = true;
  // Another page in the same frame would be a step for the browser's Back button; a new frame is none.
  const frame = at("frame").cloneNode();
  frame.title = filledIn(say.mail_of, { name: state.member.name || state.member.address });
  frame.dataset.colours = state.colours;
  frame.srcdoc = pageOf(state.member, state.colours);
  // Scripts do not run in the frame; this listener is the page's own.
  frame.addEventListener("load", () => frame.contentDocument.addEventListener("click", onMailClick));
  at("frame").replaceWith(frame);
}

// ---- Where a sentence is written

const BLOCKS = "p, li, td, th, h1, h2, h3, h4";

// The text node and the place in it under the pointer: one function is the standard, the other is WebKit's.
function caretAt(document, x, y) {
  const position = document.caretPositionFromPoint?.(x, y);
  if (position) return [position.offsetNode, position.offset];
  const range = document.caretRangeFromPoint?.(x, y);
  return range ? [range.startContainer, range.startOffset] : [null, 0];
}

// The text of a block, and of the part before a place in it; a line break is white space there.
function textIn(block, node = block, offset = block.childNodes.length) {
  const range = block.ownerDocument.createRange();
  range.setStart(block, 0);
  range.setEnd(node, offset);
  const part = range.cloneContents();
  for (const end of part.querySelectorAll("br")) end.replaceWith("\n");
  return part.textContent;
}

function onMailClick(event) {
  event.preventDefault();
  const [node, offset] = caretAt(event.target.ownerDocument, event.clientX, event.clientY);
  const block = event.target.closest(BLOCKS);
  if (node && block?.contains(node)) showWritten(sentenceAt(textIn(block), textIn(block, node, offset).length));
}

// In the plain text a sentence runs over lines, up to a blank line.
function onTextClick(event) {
  const pre = at("text");
  const [node, offset] = caretAt(document, event.clientX, event.clientY);
  if (!node || !pre.contains(node)) return;
  const place = textIn(pre, node, offset).length;
  const text = pre.textContent;
  const start = text.lastIndexOf("\n\n", place) + 1;
  const end = text.indexOf("\n\n", place);
  showWritten(sentenceAt(text.slice(start, end < 0 ? text.length : end), place - start));
}

function showWritten(sentence) {
  if (!data.passages.length || !wordsOf(sentence[0]).length) return;
  const found = passageOf(sentence, data.passages);
  const written = at("written");
  written.hidden = false;
  if (!found) written.textContent = say.not_written;
  else written.textContent = filledIn(say.written, { place: found[0] }) + (found[2] ? ` (${found[2]})` : "");
}

function table(rows, className) {
  const body = element("tbody", {});
  for (const [what, value] of rows)
    body.append(element("tr", {}, element("th", { scope: "row" }, what), element("td", {}, value)));
  return element("table", { class: className }, body);
}

function showHead(member) {
  if (state.view !== "head") return;
  const view = at("view-head");
  const calendar = calendarOf(member);
  const files = filesOf(member);
  view.replaceChildren(element("h3", {}, say.head), table(headOf(member), "facts head"), element("h3", {}, say.calendar));
  if (calendar.length) {
    const entry = readableEntry(calendar, say);
    if (entry.method) view.append(element("p", { class: "method" }, entry.method));
    view.append(table(entry.rows, "facts entry"));
    const source = element("pre", { id: "calendar" }, calendar.join("\n"));
    view.append(element("details", {}, element("summary", {}, say.calendar_source), source));
  } else view.append(element("p", { class: "aside" }, say.no_calendar));
  view.append(element("h3", {}, say.files));
  if (files.length) {
    const cells = (kind, texts) => element("tr", {}, ...texts.map((text) => element(kind, {}, text)));
    const head = element("thead", {}, cells("th", [say.file, say.type, say.size]));
    const body = element("tbody", {}, ...files.map((file) => cells("td", file)));
    view.append(element("table", { class: "files" }, head, body));
  } else view.append(element("p", { class: "aside" }, say.no_files));
}

// ---- Differences from the other mails

const MOST_VARIANTS = 40;

// The member's values in a letter's holes. A letter that was composed for one member alone has no holes, so that
// some values are not known here: a name between signs that no mail contains replaces them.
const UNKNOWN = /\ue700(.*?)\ue701/g;

function valuesFor(letter, member) {
  return letter.fields.map((field) => {
    const number = member.letter.fields.indexOf(field);
    return number < 0 ? `\ue700${field.replace(/^member\./, "")}\ue701` : member.values[number];
  });
}

// The common letter's lines; unknown values come from the line of this mail that is otherwise the same.
function completed(lines, now) {
  return lines.map((line) => {
    if (line.search(UNKNOWN) < 0) return line;
    const parts = line.split(UNKNOWN).filter((_, number) => number % 2 === 0);
    const same = new RegExp("^" + parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*") + "$", "s");
    return now.find((other) => same.test(other)) ?? line.replace(UNKNOWN, "«$1»");
  });
}

function partsOf(member) {
  const files = filesOf(member).map((file) => file.join(", "));
  return [
    [say.subject, [fieldOf(member, "subject")]],
    [say.view_text, textOf(member)],
    [say.calendar, calendarOf(member)],
    [say.files, files],
  ];
}

function difference(title, before, after) {
  const lines = shortened(compared(before, after));
  if (!lines.some((line) => line !== null && line[0] !== "same")) return null;
  const names = { gone: "del", new: "ins", same: "span" };
  const signs = { gone: "−", new: "+", same: " " };
  const shown = lines.map((line) =>
    line === null
      ? element("span", { class: "skipped" }, "⋯")
      : element(names[line[0]], {}, element("span", { class: "sign", "aria-hidden": "true" }, signs[line[0]]), line[1]),
  );
  return element("section", {}, element("h4", {}, title), element("div", { class: "difference" }, ...shown));
}

function differencesOf(member) {
  const common = { ...member, letter: letters[0], values: valuesFor(letters[0], member) };
  const now = partsOf(member);
  const found = partsOf(common).map(([title, before], number) =>
    difference(title, completed(before, now[number][1]), now[number][1]),
  );
  const readable = found.filter(Boolean);
  if (readable.length) return readable;
  const page = (one) => one.letter.html.map(lineOf(one));
  const hidden = difference(say.view_mail, completed(page(common), page(member)), page(member));
  return hidden ? [element("p", {}, say.same_text), hidden] : [element("p", {}, say.no_difference)];
}

function variantButton(letter, number) {
  const first = members.find((member) => member.variant === number);
  const current = state.member.variant === number;
  const label = `${filledIn(say.variant, { number: number + 1 })}: ${letter.words}`;
  const button = element("button", { type: "button", "aria-pressed": String(current) }, label);
  const name = first.name || first.address;
  // On a page to be shared the list has variants instead of members, so it names no one.
  if (members.length > letters.length || letter.count === 1)
    button.append(element("small", {}, letter.count > 1 ? filledIn(say.such_as, { name }) : name));
  button.addEventListener("click", () => {
    if (!state.shown.includes(first)) {
      at("search").value = "";
      search();
    }
    select(first);
  });
  return button;
}

// The lines that a variant does not share with the most common text, with + or −; found once.
const changes = new Map();

function changesOf(number) {
  if (!changes.has(number)) {
    const first = members.find((member) => member.variant === number);
    const common = partsOf({ ...first, letter: letters[0], values: valuesFor(letters[0], first) });
    const lines = partsOf(first).flatMap(([, now], part) => compared(completed(common[part][1], now), now));
    changes.set(number, lines.filter(([kind, line]) => kind !== "same" && !BLANK.test(line)));
  }
  return changes.get(number);
}

function changeCell(number) {
  if (number === 0) return [say.in_common];
  const lines = changesOf(number);
  if (!lines.length) return [say.in_html];
  return lines.map(([kind, line]) =>
    element(kind === "new" ? "ins" : "del", {}, `${kind === "new" ? "+" : "−"} ${line.trim()}`),
  );
}

function tableOf(className, headings, rows) {
  const cells = (kind, contents) => element("tr", {}, ...contents.map((content) => element(kind, {}, ...content)));
  const head = element("thead", {}, cells("th", headings.map((heading) => [heading])));
  const body = element("tbody", {}, ...rows.map((row) => cells("td", row)));
  return element("table", { class: className }, head, body);
}

function variantTable() {
  const rows = letters
    .slice(0, MOST_VARIANTS)
    .map((letter, number) => [[variantButton(letter, number)], changeCell(number)]);
  const more = letters.length - MOST_VARIANTS;
  if (more > 0) rows.push([[filledIn(say.more_variants, { n: more })], []]);
  return tableOf("variants", [say.variant_column, say.otherwise], rows);
}

// The values that are not the same in all mails, with how many there are and a few of them; found once.
const FEW = 3;
let differing = null;

function differingValues() {
  const found = new Map(Object.keys(say.fields).map((field) => [field, new Set()]));
  for (const { letter, values } of members)
    letter.fields.forEach((field, number) => {
      if (field.startsWith("member.") && !found.has(field)) found.set(field, new Set());
      if (typeof values[number] === "string") found.get(field)?.add(values[number]);
    });
  return [...found].filter(([, values]) => values.size > 1);
}

function valueSection() {
  differing ??= differingValues();
  if (!differing.length) return [];
  const rows = differing.map(([field, values]) => [
    [say.fields[field] ?? field.replace("member.", "")],
    [String(values.size)],
    [[...values].filter(Boolean).slice(0, FEW).join(", ") + (values.size > FEW ? " …" : "")],
  ]);
  return [element("h3", {}, say.values), tableOf("values", [say.value, say.how_many, say.examples], rows)];
}

function showDifferences(member) {
  if (state.view !== "differences") return;
  const view = at("view-differences");
  view.replaceChildren(element("p", { class: "lead" }, letters.length > 1 ? member.letter.words : say.only_variant));
  if (member.letter.direct) view.append(element("p", {}, say.direct));
  if (letters.length < 2) {
    view.append(...valueSection());
    return;
  }
  if (member.variant === 0) view.append(element("p", {}, say.most_common));
  else {
    const legend = element("p", { class: "legend" }, element("del", {}, `− ${say.in_common}`), " ");
    legend.append(element("ins", {}, `+ ${say.in_this}`));
    view.append(element("h3", {}, say.compared), legend, ...differencesOf(member));
  }
  view.append(element("h3", {}, say.variants), variantTable());
  view.append(...valueSection());
}

// ---- Views, switches, keys

function press(kind, chosen) {
  for (const button of document.querySelectorAll(`[data-${kind}]`))
    if (button.tagName === "BUTTON") button.setAttribute("aria-pressed", String(button.dataset[kind] === chosen));
}

function choose(kind, chosen) {
  state[kind] = chosen;
  press(kind, chosen);
  if (kind === "view") {
    for (const view of VIEWS) at(`view-${view}`).hidden = view !== chosen;
    for (const button of document.querySelectorAll(".switches button")) button.disabled = chosen !== "mail";
    if (state.member) {
      showHead(state.member);
      showDifferences(state.member);
    }
  }
  if (kind === "width") at("frame").dataset.width = chosen;
  if (kind === "colours" && state.member) showFrame();
}

function toggleList(open) {
  document.body.classList.toggle("list-open", open);
  if (open) revealSelected();
  const button = at("open-list");
  button.setAttribute("aria-expanded", String(open));
  button.setAttribute("aria-label", open ? say.close_list : say.open_list);
}

function openSearch() {
  toggleList(true);
  at("search").focus();
  at("search").select();
}

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  "/": openSearch,
  d: () => choose("colours", state.colours === "dark" ? "light" : "dark"),
  p: () => choose("width", state.width === "phone" ? "desktop" : "phone"),
  ...Object.fromEntries(VIEWS.map((view, number) => [String(number + 1), () => choose("view", view)])),
};
const SEARCH_KEYS = {
  ArrowDown: KEYS.ArrowDown,
  ArrowUp: KEYS.ArrowUp,
  Enter: () => {
    toggleList(false);
    at("list").focus();
  },
  Escape: () => {
    at("search").value = "";
    search();
    at("list").focus();
  },
};
const LIST_KEYS = {
  Home: () => step(-members.length),
  End: () => step(members.length),
  PageUp: () => step(-10),
  PageDown: () => step(10),
  Enter: () => toggleList(false),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const keys = event.target === at("search") ? SEARCH_KEYS : event.target === at("list") ? { ...KEYS, ...LIST_KEYS } : KEYS;
  if (!Object.hasOwn(keys, event.key)) {
    if (event.key === "Escape") toggleList(false);
    return;
  }
  event.preventDefault();
  keys[event.key]();
}

function start() {
  for (const kind of ["view", "width", "colours"]) {
    for (const button of document.querySelectorAll(`button[data-${kind}]`))
      button.addEventListener("click", () => choose(kind, button.dataset[kind]));
    choose(kind, state[kind]);
  }
  at("text").addEventListener("click", onTextClick);
  at("search").addEventListener("input", search);
  at("list").addEventListener("scroll", drawList, { passive: true });
  new ResizeObserver(drawList).observe(at("list"));
  at("list").addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (!row) return;
    select(members[Number(row.id.slice(4))]);
    toggleList(false);
  });
  at("open-list").addEventListener("click", () => toggleList(!document.body.classList.contains("list-open")));
  at("previous").addEventListener("click", () => step(-1));
  at("next").addEventListener("click", () => step(1));
  document.addEventListener("keydown", onKey);
  // A small screen is for the mail; how many warnings there are stays in sight.
  if (narrow.matches) at("warnings")?.removeAttribute("open");
  at("none").hidden = members.length > 0;
  at("mail").hidden = members.length === 0;
  toggleList(false);
  search();
  if (members.length) at("list").focus({ preventScroll: true });
}

start();
