// The quiz: the trace pauses before something, asks what comes next, and explains.

const MOST_QUESTIONS = 15;
const FEWEST_CHOICES = 3;
const quiz = { questions: null, answers: new Map() };

// --- questions, made from the trace -----------------------------------------------------------

function quizQuestions() {
  const handling = handlingQuestions();
  const isWire = (one) => T.category(one.row) === "in";
  const kinds = [handling.filter(isWire), roundQuestions(), pickQuestions(), handling.filter((one) => !isWire(one))];
  const chosen = [];
  for (let number = 0; chosen.length < MOST_QUESTIONS && kinds.some((kind) => kind.length > number); number++) {
    for (const kind of kinds) if (kind[number]) chosen.push(kind[number]);
  }
  return chosen.slice(0, MOST_QUESTIONS).sort((one, other) => one.row - other.row);
}

// The same shuffle for the same trace, so that a link leads to the same question.
function shuffled(values, seed) {
  const keyed = values.map((value, number) => [Math.imul(seed * 31 + number + 7, 2654435761) >>> 0, value]);
  return keyed.sort((one, other) => one[0] - other[0]).map((pair) => pair[1]);
}

function spread(rows, most) {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, number) => rows[Math.floor(((number + 0.5) * rows.length) / most)]);
}

// "Peer-1 was told unchoke by its peer. What does it do next?"
function handlingQuestions() {
  const follows = new Map(); // what follows each kind of event here: a kind, once each
  for (let row = 0; row < T.size; row++) {
    if (!["in", "message"].includes(T.category(row)) || isProgram(row)) continue;
    const next = firstTelling(row);
    if (next < 0) continue;
    const key = T.label(row);
    if (!follows.has(key)) follows.set(key, []);
    follows.get(key).push({ row, next });
  }
  const all = [...new Set([...follows.values()].flat().map(({ next }) => actText(next)))];
  return [...follows.values()].map((ones) => ones[0]).filter(({ row }) => T.explanation(row)?.duty).map(({ row, next }) => {
    const right = actText(next);
    const wrong = shuffled(all.filter((text) => text !== right), row).slice(0, 3);
    return {
      row, next, right,
      title: "What comes next?",
      asked: `${toldText(row)} What does it do first?`,
      choices: shuffled([right, ...wrong], row + 1),
      why: [T.explanation(row)?.duty, T.explanation(next)?.meaning].filter(Boolean),
      source: T.explanation(row)?.source,
    };
  }).filter((one) => one.choices.length >= FEWEST_CHOICES);
}

// What the program tells its actors at the start and the end teaches little.
function isProgram(row) {
  return T.fromOf[row] >= 0 && T.actors[T.fromOf[row]].name === "MainThread";
}

function toldText(row) {
  const who = T.actorLabel(T.actorOf[row]);
  const what = `“${T.words(row).slice(0, 90)}”`;
  if (T.category(row) === "in") return `${who} has received ${what} from ${T.otherSide(T.actorOf[row]) || "its peer"}.`;
  return `${who} is told ${what} by ${T.actors[T.fromOf[row]].name}.`;
}

// The first thing that others notice of how an event was handled.
function firstTelling(row) {
  return [...T.effectsOf(row)].find((one) => ["message", "out", "decision"].includes(T.category(one)) && T.actorOf[one] !== T.actorOf[row] || ["out", "decision"].includes(T.category(one))) ?? -1;
}

function actText(row) {
  const label = T.label(row).replaceAll("_", " ");
  const category = T.category(row);
  if (category === "out") return `sends ${label} to its peer`;
  if (category === "decision") return `decides: ${label}`;
  return `tells ${T.actors[T.actorOf[row]].name.replace(/^Peer-\d+$/, "a peer’s actor")}: ${label}`;
}

// "These peers are weighed. Who gets a slot?"
function roundQuestions() {
  const fit = T.chokes.rounds.filter((round) => round[4].length >= 2 || round[4].some((one) => one.is_unchoked));
  return spread(fit, 6).map(([, row, actor, figures, verdicts]) => {
    const name = (one) => T.otherSide(one.peer) || T.actors[one.peer].name;
    const text = (ones) => ones.map(name).sort().join(", ") || "nobody";
    const right = text(verdicts.filter((one) => one.is_unchoked));
    const sets = [verdicts, [], ...verdicts.map((one) => [one]), ...verdicts.map((one) => verdicts.filter((other) => other !== one))];
    const wrong = [...new Set(sets.map(text))].filter((one) => one !== right).slice(0, 4);
    const shown = verdicts.map((one) => `${name(one)} gives ${sizeText(one.download_rate ?? 0)}/s and gets ${sizeText(one.upload_rate ?? 0)}/s`);
    return {
      row, next: row, right,
      title: "Who gets a slot?",
      asked: `${T.actorLabel(actor)} gives out ${counted(figures.slots ?? 0, "slot")} at ${timeText(T.t[row])}. Weighed: ${shown.join("; ")}. Which of them are unchoked?`,
      choices: shuffled([right, ...wrong], row),
      why: [`Rule: ${figures.rule}.`, ...verdicts.map((one) => `${name(one)}: ${one.is_unchoked ? "unchoked" : "choked"}, ${one.reason}.`)],
      source: T.explanation(row)?.source,
    };
  }).filter((one) => one.choices.length >= 2);
}

// "Why this piece?"
function pickQuestions() {
  const rows = [];
  const rules = new Set(["rarest first", "random first piece", "piece already begun", "endgame"]);
  const asked = new Set();
  for (let row = 0; row < T.size; row++) {
    if (T.category(row) !== "decision" || T.label(row) !== "pick_piece") continue;
    const { rule } = T.events.data[row];
    if (typeof rule !== "string") continue;
    rules.add(rule);
    if (!asked.has(rule)) rows.push(row);
    asked.add(rule);
  }
  return rows.map((row) => {
    const data = T.events.data[row];
    return {
      row, next: row, right: data.rule,
      title: "Why this piece?",
      asked: `${T.actorLabel(T.actorOf[row])} picks ${pickedText(data)} for ${data.peer} at ${timeText(T.t[row])}; ${counted(data.peers_having_it ?? 0, "peer")} had ${isRow(data) ? "them" : "it"}, and ${counted(data.candidates ?? 0, "other piece")} could be picked. By which rule?`,
      choices: shuffled([data.rule, ...shuffled([...rules].filter((one) => one !== data.rule), row).slice(0, 3)], row + 2),
      why: [T.explanation(row)?.meaning].filter(Boolean),
      source: T.explanation(row)?.source,
    };
  });
}

// Small pieces are picked in rows.
function isRow({ pieces }) {
  return Array.isArray(pieces) && pieces.length > 1;
}

function pickedText(data) {
  return isRow(data) ? `pieces ${data.chosen} to ${data.pieces.at(-1)}` : `piece ${data.chosen}`;
}

// --- the view ----------------------------------------------------------------------------------

function openQuiz(view) {
  quiz.questions ??= quizQuestions();
  quiz.place = el("div", { class: "page quiz" });
  replace(view, quiz.place);
  if (S.look < 0 && quiz.questions.length) change({ look: 0 }, { quiet: true });
  showQuestion();
}

function showQuestion() {
  const { questions, answers } = quiz;
  const number = Math.min(S.look, questions.length - 1);
  const question = questions[number];
  if (!question) return replace(quiz.place, el("h1", {}, "Quiz"), el("p", {}, "There is too little in this trace to ask about."));
  const answer = answers.get(number);
  const right = [...answers].filter(([at, text]) => questions[at].right === text).length;
  replace(
    quiz.place,
    el("h1", {}, question.title),
    el("p", { class: "quiet" }, `Question ${number + 1} of ${questions.length}. The trace pauses at ${timeText(T.t[question.row])}. `, answers.size > 0 && `${right} of ${answers.size} right so far.`),
    el("div", { class: "dots" }, questions.map((one, at) => button(String(at + 1), () => change({ look: at }), { class: dotClass(at, number) }))),
    before(question.row),
    el("p", { class: "asked" }, question.asked),
    el("ol", { class: "choices" }, question.choices.map((text) => el("li", {}, choiceButton(question, number, text, answer)))),
    answer !== undefined && verdictPart(question, answer, number),
  );
}

// What the client of the question did just before, up to the pause.
function before(row) {
  const { node } = T.actors[T.actorOf[row]];
  const rows = [];
  for (let one = row; one >= 0 && rows.length < 5; one--) {
    if (T.actors[T.actorOf[one]].node === node && one >= row - 400) rows.push(one);
  }
  const shown = T.category(row) === "decision" ? rows.filter((one) => one !== row) : rows;
  return el("ol", { class: "before" }, shown.reverse().map((one) =>
    el("li", { class: T.category(one) }, el("time", {}, timeText(T.t[one])), " ", el("b", {}, T.actors[T.fromOf[one] >= 0 ? T.fromOf[one] : T.actorOf[one]].name), " ",
      el("i", { class: "sign" }, SIGNS[T.category(one)]), " ", T.fromOf[one] >= 0 && T.actors[T.actorOf[one]].name + " ", T.words(one))));
}

function dotClass(at, number) {
  const answer = quiz.answers.get(at);
  const state = answer === undefined ? "" : quiz.questions[at].right === answer ? "right" : "wrong";
  return `dot ${state} ${at === number ? "here" : ""}`;
}

function choiceButton(question, number, text, answer) {
  const state = answer === undefined ? "" : text === question.right ? "right" : text === answer ? "wrong" : "";
  const answerIt = () => {
    quiz.answers.set(number, text);
    showQuestion();
  };
  return button(text, answerIt, { class: "choice-button " + state, disabled: answer !== undefined });
}

function verdictPart(question, answer, number) {
  const isRight = answer === question.right;
  return el("div", { class: "verdict " + (isRight ? "right" : "wrong") },
    el("h2", {}, isRight ? "Right." : `No: ${question.right}.`),
    el("ul", {}, question.why.map((text) => el("li", {}, withCode(text)))),
    question.source && el("p", { class: "quiet" }, "Written in: " + question.source),
    el("p", {},
      button("See it in the lanes", () => { change({ view: "lanes", event: question.next }); showChosen(true); }, { class: "link" }), " ",
      number + 1 < quiz.questions.length && button("Next question", () => change({ look: number + 1 }), { class: "primary" })));
}
