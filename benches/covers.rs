//! `covers` beside `rsync -rlnc --delete` and `diff -rq` on the same trees.

fn main() {}
