// Reads a JSON list of calendar files on standard input; writes what ical.js sees in each, as JSON.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

function view(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const zone = new ICAL.Timezone(calendar.getFirstSubcomponent("vtimezone"));
  ICAL.TimezoneService.register(zone);
  const event = calendar.getFirstSubcomponent("vevent");
  const value = (name) => event.getFirstPropertyValue(name);
  const moment = (name) => value(name)?.toUnixTime() ?? null;
  const party = (name) => {
    const property = event.getFirstProperty(name);
    return property && { address: property.getFirstValue(), name: property.getFirstParameter("cn") ?? "" };
  };
  return {
    method: calendar.getFirstPropertyValue("method"),
    uid: value("uid"),
    sequence: value("sequence"),
    stamp: moment("dtstamp"),
    starts: moment("dtstart"),
    ends: moment("dtend"),
    zone: event.getFirstProperty("dtstart").getFirstParameter("tzid") ?? null,
    summary: value("summary"),
    description: value("description"),
    location: value("location"),
    organizer: party("organizer"),
    attendee: party("attendee"),
    status: value("status"),
    alarm: event.getFirstSubcomponent("valarm")?.getFirstPropertyValue("trigger").toSeconds() ?? null,
  };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(view)));
