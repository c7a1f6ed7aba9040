//! Markdown of a runbook as rows of a screen. PURE.
//!
//! Nothing is hidden: a link shows where it leads, HTML is shown as it is written.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::tui::theme::{Tone, style};

use super::highlight;
use super::shape::{columns, hang, plain, plain_lines, say, wrap_spans};

mod table;

use table::Table;

/// The rows of a text, at most `width` columns wide.
#[must_use]
pub fn rows(text: &str, width: usize) -> Vec<Line<'static>> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut page = Page { width: width.max(8), ..Page::default() };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    for event in Parser::new_ext(text, options) {
        page.take(event);
    }
    page.flush();
    while page.rows.last().is_some_and(|row| row.spans.is_empty()) {
        page.rows.pop();
    }
    page.rows
}

#[derive(Default)]
struct Page {
    width: usize,
    rows: Vec<Line<'static>>,
    /// What is being gathered until its block ends.
    spans: Vec<Span<'static>>,
    /// Styles of the inline elements around what comes.
    styles: Vec<Style>,
    /// What stands before the rows of the blocks around what comes.
    frames: Vec<Frame>,
    /// A block of code, until its end: what it says it is written in, and its text.
    code: Option<(String, String)>,
    table: Option<Table>,
    /// Targets of the links around what comes, and where their text begins.
    links: Vec<(String, usize)>,
    /// A block has ended: the next one is set apart by an empty row.
    apart: bool,
}

enum Frame {
    Quote,
    /// The number of the next item, or none for bullets.
    List(Option<u64>),
    /// The mark of an item, until it was written once.
    Item(Option<String>, usize),
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.say(&text),
            },
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.spans.push(say(plain(&text), Tone::Code));
            }
            Event::Html(text) => {
                self.say(text.trim_end());
                self.flush();
            }
            Event::InlineHtml(text) => self.say(&text),
            Event::FootnoteReference(text) => self.say(&format!("[^{text}]")),
            Event::SoftBreak => self.spans.push(Span::raw(" ")),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.flush();
                let room = self.room();
                self.write(&[say("─".repeat(room), Tone::Quiet)]);
            }
            Event::TaskListMarker(done) => self.spans.push(Span::raw(if done { "[x] " } else { "[ ] " })),
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.block();
                let mut style = style(Tone::Strong);
                if level == HeadingLevel::H1 {
                    style = style.add_modifier(Modifier::UNDERLINED);
                }
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.block();
                self.frames.push(Frame::Quote);
            }
            Tag::CodeBlock(kind) => {
                self.block();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(first) => {
                if self.frames.is_empty() {
                    self.block();
                } else {
                    self.flush();
                }
                self.frames.push(Frame::List(first));
            }
            Tag::Item => {
                self.flush();
                let mark = match self.frames.last_mut() {
                    Some(Frame::List(Some(number))) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "• ".to_owned(),
                };
                let width = columns(&mark);
                self.frames.push(Frame::Item(Some(mark), width));
            }
            Tag::Emphasis => self.styles.push(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong | Tag::TableHead => self.styles.push(style(Tone::Strong)),
            Tag::Strikethrough => self.styles.push(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. } => {
                let title = if title.is_empty() { String::new() } else { format!(" \"{}\"", plain(&title)) };
                self.links.push((format!("{}{title}", plain(&dest_url)), self.spans.len()));
                self.styles.push(Style::new().add_modifier(Modifier::UNDERLINED));
            }
            Tag::Table(alignments) => {
                self.block();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            Tag::Paragraph | Tag::HtmlBlock | Tag::FootnoteDefinition(_) => self.block(),
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
                self.apart = true;
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::FootnoteDefinition => {
                self.flush();
                self.apart = true;
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.spans);
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::Table => {
                let rows = self.table.take().map(|table| table.rows(self.room())).unwrap_or_default();
                for row in rows {
                    self.write_row(row);
                }
                self.apart = true;
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) => {
                self.flush();
                self.frames.pop();
                self.apart = true;
            }
            TagEnd::Item => {
                self.flush();
                self.frames.pop();
                self.apart = false;
            }
            TagEnd::CodeBlock => {
                self.write_code();
                self.apart = true;
            }
            TagEnd::TableHead | TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                if let Some((target, from)) = self.links.pop() {
                    let text: String =
                        self.spans[from.min(self.spans.len())..].iter().map(|s| s.content.as_ref()).collect();
                    if text != target {
                        self.spans.push(say(format!(" ({target})"), Tone::Quiet));
                    }
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, text: &str) {
        let style = self.styles.iter().fold(Style::new(), |all, one| all.patch(*one));
        self.spans.push(Span::styled(plain(text), style));
    }

    /// A block begins: what was gathered is written, and an empty row sets it apart.
    fn block(&mut self) {
        self.flush();
        // An item's first paragraph stands right behind its mark.
        let fresh_item = matches!(self.frames.last(), Some(Frame::Item(Some(_), _)));
        if self.apart && !fresh_item {
            self.rows.push(Line::default());
        }
        self.apart = false;
    }

    fn room(&self) -> usize {
        let taken: usize = self
            .frames
            .iter()
            .map(|frame| match frame {
                Frame::Quote => 2,
                Frame::List(_) => 0,
                Frame::Item(_, width) => *width,
            })
            .sum();
        self.width.saturating_sub(taken).max(4)
    }

    fn flush(&mut self) {
        if !self.spans.is_empty() {
            let spans = std::mem::take(&mut self.spans);
            self.write(&spans);
        }
    }

    fn write_code(&mut self) {
        let Some((language, code)) = self.code.take() else { return };
        let shell = highlight::is_shell(&language);
        // A shell's colours say it; its name alone in a row would read as a command.
        if !language.is_empty() && !shell {
            self.write(&[Span::raw("  "), say(format!("┌ {} ──", plain(&language)), Tone::Quiet)]);
        }
        let lines = plain_lines(code.strip_suffix('\n').unwrap_or(&code));
        let lines = if shell {
            highlight::lines(&lines)
        } else {
            lines.into_iter().map(|line| vec![say(line, Tone::Code)]).collect()
        };
        let room = self.room().saturating_sub(2);
        for line in lines {
            for row in hang(vec![Span::raw("  ")], wrap_spans(&line, room)) {
                self.write_row(row);
            }
        }
    }

    fn write(&mut self, spans: &[Span<'static>]) {
        for row in wrap_spans(spans, self.room()) {
            self.write_row(row);
        }
    }

    /// Writes a row that is not wider than there is room, behind what stands before it.
    fn write_row(&mut self, row: Line<'static>) {
        let mut spans = Vec::new();
        for frame in &mut self.frames {
            match frame {
                Frame::Quote => spans.push(say("│ ", Tone::Quiet)),
                Frame::List(_) => {}
                Frame::Item(mark, width) => {
                    spans.push(Span::raw(mark.take().unwrap_or_else(|| " ".repeat(*width))));
                }
            }
        }
        spans.extend(row.spans);
        self.rows.push(Line::from(spans));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let shown: Vec<String> = rows(text, 24).iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn blocks_are_set_apart_and_lists_hang() {
        check(
            "# Head\none two three four five six\n\nsecond",
            &["Head", "", "one two three four five", "six", "", "second"],
        );
        check(
            "- one two three four five six\n- b\n  1. c\n  2. d",
            &["• one two three four", "  five six", "• b", "  1. c", "  2. d"],
        );
        check("> quoted\n\n    code  kept", &["│ quoted", "", "  code  kept"]);
    }

    #[test]
    fn code_keeps_its_lines_and_its_spaces() {
        check("```sh\nif a; then\n  b   c\n\nfi\n```", &["  if a; then", "    b   c", "  ", "  fi"]);
        check("```text\na  b\n```", &["  ┌ text ──", "  a  b"]);
        check("> ```\n> a\n>  b\n> ```", &["│   a", "│    b"]);
        check(
            "- x\n  - [x] done\n  - [ ] open\n    ```\n    a\n    ```",
            &["• x", "  • [x] done", "  • [ ] open", "      a"],
        );
        let rows = rows("```sh\n# why\n```\n```python\n# why\n```", 24);
        assert_eq!(rows[0].spans[1].style, style(Tone::Comment), "{rows:?}");
        assert_eq!(rows[3].spans[1].style, style(Tone::Code), "{rows:?}");
    }

    #[test]
    fn nothing_is_hidden() {
        check("see [here](http://x.y)", &["see here (http://x.y)"]);
        check("see [it](x \"why\")", &["see it (x \"why\")"]);
        check("a <b onclick=x> c", &["a <b onclick=x> c"]);
        check("<div>\n<b>x</b>\n</div>", &["<div>", "<b>x</b>", "</div>"]);
        check("say `rm -r` \u{202e}now", &["say rm -r {U+202E}now"]);
        check("", &[]);
    }
}
