//! How values reach texts and scripts. PURE.
//!
//! Texts get them by replacement (`template`), scripts only as environment variables (`call`), and `params` says
//! which values a session starts with.

mod call;
mod params;
mod template;

pub use call::{ScriptCall, assigned_in, fill_secrets, first_uses, script_call, variables_in, words_in};
pub use params::{
    Given, ParamProblem, ParamTrouble, Resolved, check_value, check_value_by, resolve_params,
    value_in_variable,
};
pub use template::{
    FillError, ListAs, Piece, Scope, confirm_text, fill, fill_as, fill_shown, items, names_in, pieces,
};
