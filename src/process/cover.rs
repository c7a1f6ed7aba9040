//! Covering secrets in output, across write boundaries. PURE.
