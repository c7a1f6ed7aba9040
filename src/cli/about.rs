//! What the program says about itself: completions, the manual page, the schema. SHELL.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::{Exit, Failure, Outcome};
use super::out::Out;

/// Completions for a shell.
pub fn completions(shell: Shell) -> Outcome {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "onbelay", &mut bytes);
    print(&String::from_utf8_lossy(&bytes))
}

/// The manual page, verbs included.
pub fn man() -> Outcome {
    let mut bytes = Vec::new();
    let cannot = |e: std::io::Error| Failure::machine(format!("cannot write the manual page: {e}"));
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut bytes).map_err(cannot)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let verb = verb.clone().bin_name(format!("onbelay {}", verb.get_name()));
        let man = clap_mangen::Man::new(verb);
        man.render_synopsis_section(&mut bytes).map_err(cannot)?;
        man.render_description_section(&mut bytes).map_err(cannot)?;
        man.render_options_section(&mut bytes).map_err(cannot)?;
    }
    print(&String::from_utf8_lossy(&bytes))
}

/// The JSON Schema of the format.
pub fn schema() -> Outcome {
    print(&format!("{:#}\n", crate::runbook::schema::schema()))
}

fn print(text: &str) -> Outcome {
    let mut out = Out::stdout();
    out.text(text);
    out.finish()?;
    Ok(Exit::Yes)
}
