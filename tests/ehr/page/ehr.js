// The page of the demo EHR. Everything that comes from a card is put in as text, never as HTML.

const INDICATORS = { info: "Information", warning: "Warning", critical: "Critical" };
const place = (id) => document.getElementById(id);

function make(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, act, attributes = {}) {
  const made = make("button", text, { type: "button", ...attributes });
  made.addEventListener("click", act);
  return made;
}

// ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function ask(path, body) {
  try {
    const options = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const answer = await fetch(path, options);
    return await answer.json();
  } catch {
    return { problem: "The EHR does not answer. Is it still running?" };
  }
}

let opened = 0;

async function step(patient, name, said = {}) {
  const mine = opened;
  place("cards").setAttribute("aria-busy", "true");
  const answer = await ask(`patients/${patient}/${name}`, said);
  if (mine !== opened) return {}; // another patient was picked meanwhile: nothing of this one may be shown
  place("cards").removeAttribute("aria-busy");
  place("problem").textContent = answer.problem ?? "";
  place("note").textContent = answer.note ?? counted(answer.cards);
  if (answer.chart) showChart(answer.chart, answer.unsigned);
  if (answer.cards) showCards(patient, answer.cards);
  else if (answer.problem) place("shown").replaceChildren();
  return answer;
}

function counted(cards) {
  if (!cards) return "";
  return cards.length === 0 ? "Looked: nothing to say." : cards.length === 1 ? "1 card" : `${cards.length} cards`;
}

// ── patients and chart ───────────────────────────────────────────────────────────────────────────────────────────────

async function showPatients() {
  const patients = await ask("patients");
  place("patients").replaceChildren(
    ...patients.map((each) => {
      const item = make("li");
      item.append(button(each.name, () => openPatient(each.id), { id: `patient-${each.id}` }));
      return item;
    }),
  );
}

async function openPatient(id) {
  opened += 1;
  for (const each of document.querySelectorAll("#patients button")) each.removeAttribute("aria-current");
  place(`patient-${id}`).setAttribute("aria-current", "true");
  place("chart").replaceChildren(make("p", "Opening …", { className: "quiet" }));
  place("shown").replaceChildren();
  place("note").textContent = place("problem").textContent = "";
  place("cards").hidden = false;
  await step(id, "open");
}

function showChart(chart, unsigned) {
  const held = place("chart").contains(document.activeElement) && document.activeElement.textContent;
  const has = (title, items, none) => {
    const list = make("ul");
    list.append(...items.map((each) => make("li", each)));
    return [make("h3", title), items.length ? list : make("p", none, { className: "quiet" })];
  };
  const choices = (title, items, name, key) => {
    const row = make("div", undefined, { className: "choices" });
    row.append(...items.map((each) => button(each.text, () => step(chart.id, name, { [key]: each.id }))));
    return [make("h3", title), row];
  };
  place("chart").replaceChildren(
    make("h2", chart.name, { tabIndex: -1 }),
    make("p", chart.about, { className: "quiet" }),
    make("p", chart.story),
    button(chart.visit ? "End the visit" : "Start a visit", () => step(chart.id, chart.visit ? "end" : "start")),
    ...has("Problems", chart.problems, "none"),
    ...has("Medicines", chart.medicines, "none"),
    ...has("Results", chart.results, "none"),
    ...choices("Add a problem", chart.newProblems, "problem", "problem"),
    ...choices("Order", chart.orders, "select", "order"),
    ...showDrafts(chart, unsigned),
    ...(chart.signed.length ? has("Signed", chart.signed) : []),
  );
  if (held) keepFocus(held);
}

// The chart is made anew at each step; who works by keyboard stays at the same button, or goes to the name.
function keepFocus(text) {
  const buttons = [...document.querySelectorAll("#chart button")];
  (buttons.find((each) => each.textContent === text) ?? document.querySelector("#chart h2")).focus();
}

function showDrafts(chart, unsigned) {
  if (!chart.drafts.length) return [];
  const list = make("ul", undefined, { id: "drafts" });
  for (const each of chart.drafts) {
    const item = make("li", each.text);
    const remove = button("Remove", () => step(chart.id, "remove", { draft: each.id }), { className: "small" });
    remove.setAttribute("aria-label", `Remove the draft of ${each.text}`);
    item.append(" ", remove);
    list.append(item);
  }
  const sign = unsigned
    ? button("Sign all the same", () => step(chart.id, "sign", { anyway: true }))
    : button("Sign orders", () => step(chart.id, "sign"));
  return [make("h3", "Drafts, not sent yet"), list, sign];
}

// ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function showCards(patient, cards) {
  place("shown").replaceChildren(...cards.map((card) => showCard(patient, card)));
  if (place("cards").getBoundingClientRect().top < 0) place("cards").scrollIntoView(); // on a phone they stand above
}

function showCard(patient, card) {
  const made = place("card").content.cloneNode(true).firstElementChild;
  const find = (selector) => made.querySelector(selector);
  made.classList.add(card.indicator);
  find(".indicator").textContent = INDICATORS[card.indicator];
  find("h3").textContent = card.summary;
  find(".source").append("Source: ", link(card.source.label, card.source.url));
  find(".markdown").append(...markdown(card.detail ?? ""));
  find(".detail").open = card.indicator === "critical";
  for (const each of card.suggestions ?? []) find(".suggestions").append(showSuggestion(patient, card, each));
  for (const each of card.links ?? []) {
    const item = make("li");
    item.append(link(each.label, each.url));
    find(".links").append(item);
  }
  for (const each of card.overrideReasons ?? []) find("select").append(make("option", each.display, { value: each.code }));
  find("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = Object.fromEntries(new FormData(event.target));
    await step(patient, "dismiss", { card: card.uuid, ...said });
    made.remove();
    place("note").focus();
  });
  return made;
}

function showSuggestion(patient, card, suggestion) {
  const item = make("li");
  const take = button(suggestion.label, async () => {
    take.disabled = true;
    const answer = await step(patient, "accept", { card: card.uuid, suggestion: suggestion.uuid });
    if (answer.note) take.textContent = `Done: ${suggestion.label}`;
    else take.disabled = false;
  });
  item.append(take, make("span", suggestion.actions[0].description, { className: "quiet" }));
  return item;
}

function link(label, url) {
  const sound = /^https?:\/\//.test(url); // no javascript: or data: address of a card becomes a link
  return sound ? make("a", label, { href: url, target: "_blank", rel: "noopener noreferrer" }) : make("span", label);
}

// ── Markdown, as much of it as cards have: paragraphs, lists, bold, and escaped signs ────────────────────────────────

export function markdown(text) {
  const blocks = [];
  for (const line of text.split("\n")) {
    const [, mark, rest] = /^(- |\d+\. )?(.*)$/.exec(line);
    const last = blocks.at(-1);
    if (mark) {
      const kind = mark === "- " ? "UL" : "OL";
      if (last?.tagName !== kind) blocks.push(make(kind));
      const item = make("li");
      item.append(...inline(rest));
      blocks.at(-1).append(item);
    } else if (rest.trim()) {
      const paragraph = make("p");
      paragraph.append(...inline(rest));
      blocks.push(paragraph);
    }
  }
  return blocks;
}

function inline(text) {
  return text.split(/(?<!\\)\*\*/).map((part, number) => {
    const plain = part.replace(/\\([!-/:-@[-`{-~])/g, "$1");
    return number % 2 ? make("strong", plain) : plain;
  });
}

showPatients();
