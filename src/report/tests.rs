//! Reports of whole walks.
