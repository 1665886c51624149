// A handle is taken hold of, moved at once, and told to Python; the next place is told when the
// numbers of the last one have come back, so that no queue grows. `event` is of Bokeh's plot.
const state = (handles.jaxelph ??= { held: null, busy: false, waiting: null, number: 0 });

function send(row, x, y, last) {
  const told = { index: row.index, kind: row.kind, x, y, last };
  if (state.busy && !last) { state.waiting = told; return; }
  state.busy = true;
  state.waiting = null;
  state.number += 1;
  const one = {};
  for (const [key, value] of Object.entries({ ...told, number: state.number })) one[key] = [value];
  drag.data = one;
}

function place(row, x, y) {
  // Where the mouse is, whatever has come back of earlier places.
  const data = handles.data;
  const at = data.index.findIndex((index, k) => index === row.index && data.kind[k] === row.kind);
  if (at < 0) return;
  data.x[at] = x;
  if (row.kind === "top") data.y[at] = y;
  handles.change.emit();
}

if (what === "answer") {
  state.busy = false;
  if (state.held !== null) place(state.held, state.held.last_x, state.held.last_y);
  if (state.waiting !== null) {
    const next = state.waiting;
    send(next, next.x, next.y, next.last);
  }
} else if (what === "start" || what === "press") {
  const wide = plot.inner_width / (plot.x_range.end - plot.x_range.start);
  const high = plot.inner_height / (plot.y_range.end - plot.y_range.start);
  let best = 18;
  state.held = null;
  const data = handles.data;
  for (let k = 0; k < data.x.length; k++) {
    const distance = Math.hypot((data.x[k] - event.x) * wide, (data.y[k] - event.y) * high);
    if (distance < best) {
      best = distance;
      state.held = { index: data.index[k], kind: data.kind[k], pressed: what === "press" };
      state.held.dx = data.x[k] - event.x;
      state.held.dy = data.y[k] - event.y;
    }
  }
} else if (state.held !== null && !(what === "hover" && !state.held.pressed)) {
  const held = state.held;
  if (what === "move" || what === "hover") {
    held.last_x = Math.min(Math.max(event.x + held.dx, 0), plot.x_range.end);
    held.last_y = Math.max(event.y + held.dy, 0);
    place(held, held.last_x, held.last_y);
    send(held, held.last_x, held.last_y, false);
  } else {
    state.held = null;
    if (held.last_x !== undefined) send(held, held.last_x, held.last_y, true);
  }
}
