//! The small files of an attempt's directory: who started, what runs, how it ended. SHELL.
