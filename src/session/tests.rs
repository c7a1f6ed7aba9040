//! The rules of a walk, each shown on a small runbook. Names carry the id of a case in the list of faults where there is one.

mod approval;
mod crash;
mod gate;
mod items;
mod mutations;
mod steps;
mod table;
mod voided;
