//! The rules of a walk, each shown on a small runbook. Names carry the id of a case in the list of faults where there is one.

mod approval;
mod approval_text;
mod asked_anew;
mod asking;
mod changed;
mod corners;
mod crash;
mod doctored;
mod gate;
mod items;
mod limits;
mod model;
mod mutations;
mod second;
mod steps;
mod table;
mod terminal;
mod voided;
