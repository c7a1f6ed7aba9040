//! What the host tells a runner, as JSON over a pipe. PURE.
