//! The terminal interface: a client of a session like any other, with a face.
//!
//! `app` holds what the screen knows and one pure function, [`app::update`], that changes it; `view` draws it as a
//! function of the app and the time; `keys` is the one table of what keys do. Only `terminal` and `run` touch the
//! world. It must not know journals, processes or hosts: all it hears and says goes through `client`.

pub mod act;
pub mod app;
pub mod approval;
pub mod bell;
pub mod fit;
#[cfg(test)]
mod fixture;
pub mod follow;
pub mod footing;
pub mod keys;
pub mod mode;
pub mod mouse;
pub mod needs;
pub mod news;
pub mod output;
pub mod palette;
pub mod people;
#[cfg(test)]
mod picture;
pub mod places;
pub mod press;
pub mod reading;
pub mod run;
mod save;
pub mod terminal;
pub mod terminal_pane;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod view;

pub use app::{Action, App, Msg, update};
pub use run::{End, Left, Options, TuiError, open, show};
