// What brought an event about, and what it brought about: the chain that a click lights.

const lit = { rows: new Set(), back: [], effects: [] };

function light(row) {
  lit.back = row < 0 ? [] : causesOf(row);
  lit.effects = row < 0 ? [] : allEffectsOf(row);
  lit.rows = new Set([...lit.back, ...lit.effects]);
}

// From the first cause to the event itself.
function causesOf(row) {
  const chain = [row];
  const seen = new Set(chain);
  for (let cause = T.cause[row]; cause >= 0 && !seen.has(cause); cause = T.cause[cause]) {
    chain.push(cause);
    seen.add(cause);
  }
  return chain.reverse();
}

// All that it brought about, directly or not, each below its cause.
function allEffectsOf(row) {
  const found = [];
  const waiting = [];
  const wait = (effects) => {
    for (let number = effects.length - 1; number >= 0; number--) waiting.push(effects[number]);
  };
  wait(T.effectsOf(row));
  const seen = new Set([row]);
  while (waiting.length) {
    const now = waiting.pop();
    if (seen.has(now)) continue;
    seen.add(now);
    found.push(now);
    wait(T.effectsOf(now));
  }
  return found;
}

// How many steps below `root` an effect is.
function stepsBelow(root, row) {
  let steps = 0;
  for (let now = row; now >= 0 && now !== root && steps < 99; now = T.cause[now]) steps++;
  return steps;
}
