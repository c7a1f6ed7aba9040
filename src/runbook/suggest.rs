//! "Did you mean": near misses, and the words of other tools. PURE.

/// So many letters are compared, each of a word with each of another, for all the problems of one file: with thousands of words it
/// would take minutes.
const COMPARED: usize = 2_000_000;

/// Nobody means a longer word by something else, in bytes.
const LONGEST: usize = 64;

/// Finds what was meant, for the problems of one file.
#[derive(Debug)]
pub struct Near {
    left: usize,
}

impl Default for Near {
    fn default() -> Self {
        Self { left: COMPARED }
    }
}

impl Near {
    /// As [`nearest`], as long as all can still be compared; of two that are as near, the first in the alphabet.
    pub fn to<'a>(
        &mut self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Option<&'a str> {
        if word.len() > LONGEST || self.left == 0 {
            return None;
        }
        let letters: usize = candidates.clone().into_iter().map(|candidate| candidate.len() + 1).sum();
        // With some of them only, another one would be meant each time.
        let left = self.left.checked_sub(letters.saturating_mul(word.len() + 1));
        self.left = left.unwrap_or(0);
        left?;
        near_ones(word, candidates).min().map(|(_, candidate)| candidate)
    }
}

/// The candidate nearest to `word`, if one is near enough to be meant; of two that are as near, the first.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near_ones(word, candidates).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The candidates that may be meant, each with how far it is.
fn near_ones<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (usize, &'a str)> {
    let is_short = word.len() <= LONGEST;
    let folded = if is_short { fold(word) } else { String::new() };
    let allowed = match folded.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    let length = word.len();
    candidates.into_iter().filter_map(move |candidate| {
        if !is_short || candidate.len() > 96 || candidate.len().abs_diff(length) > 4 * allowed + 8 {
            return None;
        }
        let distance = strsim::damerau_levenshtein(&folded, &fold(candidate));
        (distance <= allowed).then_some((distance, candidate))
    })
}

/// Case and the choice between `-`, `_` and space are no difference worth counting.
fn fold(word: &str) -> String {
    word.trim().to_lowercase().replace(['_', ' '], "-")
}

/// What another tool's word is called here, for a key; several where it depends on the place, the likeliest first.
#[must_use]
pub fn other_tools_word(word: &str) -> &'static [&'static str] {
    match fold(word).as_str() {
        "needs" | "need" | "depends-on" | "depends" | "dependson" | "dependencies" | "require"
        | "required" | "after" => &["requires"],
        "prerequisites" | "preconditions" | "precondition" | "gate" | "gates" => &["requires", "checks"],
        "if" | "when" | "unless" | "only-if" | "not-if" | "creates" | "condition" | "skip-if" | "status" => {
            &["done_when", "requires"]
        }
        "register" | "output" | "outputs" | "save" | "set-fact" | "store" | "export" => &["capture"],
        "loop" | "with-items" | "foreach" | "each" | "matrix" | "items" | "repeat" => &["for_each"],
        "vars" | "var" | "variables" | "inputs" | "input" | "parameters" | "args" | "arguments"
        | "values" => &["params", "env"],
        "name" | "label" | "summary" | "display-name" => &["title", "id"],
        "script" | "command" | "cmd" | "exec" | "bash" | "sh" | "commands" | "action" => &["run"],
        "description" | "desc" | "doc" | "docs" | "help" | "instructions" | "text" | "note" | "notes" => {
            &["about", "why"]
        }
        "environment" | "envs" => &["env"],
        "working-directory" | "working-dir" | "workdir" | "workingdir" | "cwd" | "chdir" | "directory" => {
            &["dir"]
        }
        "rollback" | "revert" | "down" | "back-out" | "backout" => &["undo"],
        "retries" => &["retry"],
        "tasks" | "task" | "jobs" | "stages" | "plays" | "actions" | "step" => &["steps", "phase"],
        "section" | "stage" | "heading" | "group" => &["phase"],
        "approval" | "approve" | "approvers" | "approvals" | "reviewers" | "four-eyes" => &["witness"],
        "ignore-errors" | "allow-failure" | "continue-on-error" => &["optional"],
        "async" | "detach" => &["background"],
        "danger" | "dangerous" | "hold-point" | "irreversible" => &["destructive"],
        "version" | "apiversion" | "api-version" => &["onbelay"],
        "validate" | "post" | "postconditions" | "test" | "tests" | "assert" => &["verify", "run"],
        "ask" | "question" | "prompt" | "manual" => &["attest", "about"],
        "until" | "delay" | "poll" => &["wait"],
        "ttl" | "max-age" | "expires" | "cache" => &["valid_for"],
        "remedy" | "hint" | "solution" => &["fix"],
        "pattern" | "regex" | "regexp" => &["matches"],
        "enum" | "options" | "one-of" | "values-allowed" => &["choices"],
        "sensitive" | "password" | "no-log" | "masked" => &["secret"],
        "exit-code" | "exitcode" | "rc" | "exit-status" => &["exit"],
        "equal" | "eq" | "is" => &["equals"],
        "min" | "minimum" | "gte" => &["at_least"],
        "max" | "maximum" | "lte" => &["at_most"],
        "interval" => &["every"],
        "count" | "attempts" | "max-attempts" => &["times"],
        "timeout-seconds" | "timeout-minutes" | "time-limit" => &["timeout", "up_to"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_found_and_a_far_one_is_not() {
        let keys = ["destructive", "requires", "title", "run"];
        assert_eq!(nearest("destrutive", keys), Some("destructive"));
        assert_eq!(nearest("Title", keys), Some("title"));
        assert_eq!(nearest("rnu", keys), Some("run"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn f_i1_of_the_nearest_the_first_in_the_alphabet_is_meant_until_too_many_were_compared() {
        let mut near = Near::default();
        assert_eq!(near.to("copy-c", ["copy-b", "copy-a"]), Some("copy-a"));
        assert_eq!(near.to(&"x".repeat(65), ["x"]), None);
        let ids: Vec<String> = (0..1_000).map(|n| format!("copy-{n:04}")).collect();
        let asked = (0..1_000).take_while(|_| near.to("copy-000x", ids.iter().map(String::as_str)).is_some());
        let asked = asked.count();
        assert!((10..100).contains(&asked), "{asked} times");
        assert_eq!(near.to("copy-c", ["copy-b"]), None, "and nothing after");
    }

    #[test]
    fn the_words_the_format_names_are_known() {
        for (word, ours) in [
            ("needs", "requires"),
            ("gates", "requires"),
            ("if", "done_when"),
            ("register", "capture"),
            ("loop", "for_each"),
            ("vars", "params"),
            ("name", "title"),
        ] {
            assert_eq!(other_tools_word(word).first(), Some(&ours), "{word}");
        }
    }
}
