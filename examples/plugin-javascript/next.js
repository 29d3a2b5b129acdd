// What is known of a message becomes what the platform does with it: the only place
// that decides whether it may go out again.

const LETTERS = {
  'application-accept': 'AA',
  'application-error': 'AE',
  'application-reject': 'AR',
  'commit-accept': 'CA',
  'commit-error': 'CE',
  'commit-reject': 'CR',
};

// An answer, or an agreed silence.
export function outcomeOf({ name }, { verdict, acknowledgment, errors, transmissions }) {
  const code = LETTERS[acknowledgment?.code];
  return {
    next: nextAfter(verdict, code),
    receiver: name,
    verdict,
    code,
    errors: errors.map((error) => error.code).filter((code) => code !== undefined),
    transmissions,
  };
}

// No answer that could be judged. What is no failure of a call is a defect of this
// plugin, and ends it.
export function problemOf({ name, discardsHalfFrames }, error) {
  const failure = error.payload;
  if (failure === undefined) throw error;
  const { delivery, cause, explanation } = failure;
  let next = 'decide';
  if (delivery === 'not-sent') next = passes(cause) ? 'later' : 'mend';
  if (delivery === 'cut-short' && discardsHalfFrames) next = 'later';
  // The explanation holds no content, as `hl7:mllp/types` promises.
  return { next, receiver: name, delivery, explanation };
}

// The message, or the settings, must be mended first.
export function unfit(explanation) {
  return { next: 'mend', receiver: undefined, delivery: 'not-sent', explanation };
}

function nextAfter(verdict, code) {
  switch (verdict) {
    case 'applied':
    case 'accepted':
    // Its sender asked for silence, and so for no certainty.
    case 'unacknowledged':
      return 'done';
    case 'refused':
      // Rejected, or not stored, the reason may have nothing to do with the message.
      return code === 'AE' || code === 'CE' ? 'mend' : 'later';
    default:
      // Nobody here reads a reply that was not judged.
      return 'decide';
  }
}

// Whether it may be gone by itself when the message is handed in again.
function passes({ tag, val }) {
  switch (tag) {
    case 'invalid-message':
    case 'invalid-option':
    case 'access-denied':
      return false;
    case 'tls':
      return ['truncated', 'used-up'].includes(val.problem.tag);
    default:
      return true;
  }
}
