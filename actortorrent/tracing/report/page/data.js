// The trace, unpacked: columns of events, and the tables their numbers refer to.

let T = null; // the trace; set once, before anything is drawn

async function unpackTrace() {
  const packed = atob(document.getElementById("data").textContent);
  const bytes = Uint8Array.from(packed, (one) => one.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  T = new Trace(JSON.parse(await new Response(plain).text()));
}

class Trace {
  constructor(raw) {
    Object.assign(this, raw);
    const events = raw.events;
    this.size = events.t.length;
    this.t = Float64Array.from(events.t);
    this.cause = Int32Array.from(events.cause);
    this.actorOf = Int32Array.from(events.a);
    this.kindOf = Int32Array.from(events.k);
    this.fromOf = Int32Array.from(events.f);
    this.waitOf = Float64Array.from(events.w);
    this.durOf = Float64Array.from(events.d);
    this.folded = new Map(events.folded.map(([row, count, until]) => [row, { count, until }]));
    this.peerOf = new Map(raw.peers.map((one) => [one[0], peerFrom(one)]));
    this.actors = raw.actors.map(([node, name, full], index) => ({ node, name, full, index }));
    this.lastTime = new Float64Array(this.actors.length);
    this.actorOf.forEach((actor, row) => {
      if (this.category(row) !== "lost") this.lastTime[actor] = Math.max(this.lastTime[actor], this.t[row]);
    });
    this.isSwarm = raw.nodes.length > 1;
    this.indexEffects();
    this.measureDepths();
  }

  // Children of each event, in one array: those of `row` lie from start[row] to start[row + 1].
  indexEffects() {
    const start = new Int32Array(this.size + 1);
    for (const cause of this.cause) if (cause >= 0) start[cause + 1]++;
    for (let row = 0; row < this.size; row++) start[row + 1] += start[row];
    const next = start.slice();
    const effects = new Int32Array(start[this.size]);
    this.cause.forEach((cause, row) => {
      if (cause >= 0) effects[next[cause]++] = row;
    });
    this.effectStart = start;
    this.effectRows = effects;
  }

  measureDepths() {
    this.depth = new Uint8Array(this.size);
    for (let row = 0; row < this.size; row++) {
      const cause = this.cause[row];
      if (cause >= 0 && cause < row && this.category(row) !== "timer") {
        this.depth[row] = Math.min(8, this.depth[cause] + 1);
      }
    }
  }

  effectsOf(row) {
    return this.effectRows.subarray(this.effectStart[row], this.effectStart[row + 1]);
  }

  kind(row) {
    return this.kinds[this.kindOf[row]];
  }

  category(row) {
    return this.kind(row)[0];
  }

  label(row) {
    return this.kind(row)[1];
  }

  // What is known of this kind of event: meaning, duty, source, handler, fields.
  explanation(row) {
    const key = this.kind(row)[2];
    return Object.hasOwn(this.explained, key) ? this.explained[key] : null;
  }

  words(row) {
    return this.events.x[row];
  }

  // The id by which the file and the terminal name an event.
  id(row) {
    const actor = this.category(row) === "lost" ? this.fromOf[row] : this.actorOf[row];
    return this.fullName(actor) + "#" + this.events.lc[row];
  }

  fullName(actor) {
    return this.actors[actor].full;
  }

  // How an actor is called where there is room for little more than its name.
  actorLabel(actor) {
    const { node, name } = this.actors[actor];
    return this.isSwarm ? this.nodes[node].name + " · " + name : name;
  }

  // With whom a peer's actor speaks.
  otherSide(actor) {
    const peer = this.peerOf.get(actor);
    if (!peer) return "";
    return peer.node >= 0 ? this.nodes[peer.node].name : peer.address || peer.peerId;
  }

  // The first row that begins at `micros` or later.
  rowAt(micros) {
    return lowerBound(this.t, micros);
  }
}

function peerFrom([, conn, address, weDialled, peerId, node, whyClosed]) {
  return { conn, address, weDialled, peerId, node, whyClosed };
}

function lowerBound(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
