// The calendar entry in readable form: from unfolded content lines (RFC 5545 §3.1).

function property(line) {
  const found = /^([A-Z-]+)((?:;[^=;:]+=(?:"[^"]*"|[^";:]*))*):(.*)$/s.exec(line);
  if (!found) return null;
  const name = /;CN=(?:"([^"]*)"|([^";:]*))/.exec(found[2]);
  return { name: found[1], common: name ? (name[1] ?? name[2]) : "", value: found[3] };
}

function plainValue(text) {
  return text.replace(/\\([nN\\;,])/g, (_, sign) => (sign === "n" || sign === "N" ? "\n" : sign));
}

// Properties of the entry itself and of its reminder, by name; the zone's own are left out.
function entryOf(lines) {
  const found = {};
  const open = [];
  for (const line of lines) {
    const read = property(line);
    if (read === null) continue;
    if (read.name === "BEGIN") open.push(read.value);
    else if (read.name === "END") open.pop();
    else if (!open.includes("VTIMEZONE")) found[(open.at(-1) === "VALARM" ? "ALARM-" : "") + read.name] = read;
  }
  return found;
}

function momentOf(text) {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d))?/.exec(text);
  // The moment is shown as the entry has it, in its own zone: UTC only keeps the browser's zone out of it.
  return parts && new Date(Date.UTC(parts[1], parts[2] - 1, parts[3], parts[4] ?? 0, parts[5] ?? 0));
}

function period(starts, ends, language) {
  const from = momentOf(starts);
  const to = momentOf(ends ?? "");
  if (!from) return starts;
  const day = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
  // British English writes the day before the month, as Dutch does.
  const written = (moment, parts) => moment.toLocaleString(language === "en" ? "en-GB" : language, parts);
  if (!to) return `${written(from, day)}, ${written(from, time)}`;
  const sameDay = written(from, day) === written(to, day);
  const end = sameDay ? written(to, time) : `${written(to, day)}, ${written(to, time)}`;
  return `${written(from, day)}, ${written(from, time)} – ${end}`;
}

// "1 day" of the duration -P1D, -PT2H or -P1DT2H (RFC 5545 §3.3.6).
function durationOf(text, language) {
  const parts = /^-P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (!parts) return null;
  const units = ["week", "day", "hour", "minute", "second"];
  return units
    .map((unit, number) => [unit, Number(parts[number + 1] ?? 0)])
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count))
    .join(", ");
}

function party(read) {
  const address = read.value.replace(/^mailto:/i, "");
  return read.common ? `${read.common} <${address}>` : address;
}

// Pairs of a label and its value.
function readableEntry(lines, words) {
  const found = entryOf(lines);
  const rows = [];
  const add = (what, value) => value && rows.push([words[what], value]);
  add("summary", found.SUMMARY && plainValue(found.SUMMARY.value));
  add("when", found.DTSTART && period(found.DTSTART.value, found.DTEND?.value, words.language));
  add("where", found.LOCATION && plainValue(found.LOCATION.value));
  add("organizer", found.ORGANIZER && party(found.ORGANIZER));
  add("attendee", found.ATTENDEE && party(found.ATTENDEE));
  const before = found["ALARM-TRIGGER"] && durationOf(found["ALARM-TRIGGER"].value, words.language);
  add("alarm", before && words.before.replace("%(time)s", () => before));
  add("status", found.STATUS && (words[found.STATUS.value] ?? found.STATUS.value));
  add("description", found.DESCRIPTION && plainValue(found.DESCRIPTION.value));
  return { method: found.METHOD ? (words[found.METHOD.value] ?? found.METHOD.value) : "", rows };
}
