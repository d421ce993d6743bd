//! What kind of statement a text is, told by its keywords. Only for texts that SQLite compiled.

/// A kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Select,
    Insert,
    Update,
    Delete,
    /// BEGIN, COMMIT, END, ROLLBACK; not those of savepoints.
    Transaction,
    Vacuum,
    Other,
}

impl Kind {
    /// The kind of a statement that begins with one of SQLite's keywords.
    pub(crate) fn of(sql: &str) -> Self {
        let mut words = Words { rest: sql, depth: 0 };
        let Some(first) = words.next() else { return Self::Other };
        if let Some(kind) = Self::of_data(first) {
            return kind;
        }
        let is = |word: &str, keyword: &str| word.eq_ignore_ascii_case(keyword);
        if is(first, "with") {
            return words.find_map(Self::of_data).unwrap_or(Self::Other);
        }
        if is(first, "vacuum") {
            return Self::Vacuum;
        }
        if is(first, "rollback") {
            let to = words.take(2).any(|word| is(word, "to"));
            return if to { Self::Other } else { Self::Transaction };
        }
        match ["begin", "commit", "end"].iter().any(|keyword| is(first, keyword)) {
            true => Self::Transaction,
            false => Self::Other,
        }
    }

    fn of_data(word: &str) -> Option<Self> {
        [
            ("select", Self::Select),
            ("values", Self::Select),
            ("insert", Self::Insert),
            ("replace", Self::Insert),
            ("update", Self::Update),
            ("delete", Self::Delete),
        ]
        .into_iter()
        .find_map(|(keyword, kind)| word.eq_ignore_ascii_case(keyword).then_some(kind))
    }
}

/// The words of a text outside parentheses, quotes and comments.
struct Words<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let first = self.rest.chars().next()?;
            let length = match first {
                '-' if self.rest.starts_with("--") => until(self.rest, 2, "\n"),
                '/' if self.rest.starts_with("/*") => until(self.rest, 2, "*/"),
                '\'' => until(self.rest, 1, "'"),
                '"' => until(self.rest, 1, "\""),
                '`' => until(self.rest, 1, "`"),
                '[' => until(self.rest, 1, "]"),
                _ if is_word(first) => self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len()),
                _ => first.len_utf8(),
            };
            let (token, rest) = self.rest.split_at(length);
            self.rest = rest;
            match first {
                '(' => self.depth += 1,
                ')' => self.depth = self.depth.saturating_sub(1),
                _ if is_word(first) && self.depth == 0 => return Some(token),
                _ => {}
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

/// The length of a token that goes on to `end`, or to the end of the text.
fn until(text: &str, start: usize, end: &str) -> usize {
    text[start..].find(end).map_or(text.len(), |at| start + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds() {
        for (sql, kind) in [
            ("SELECT 1", Kind::Select),
            ("  -- x\n /* y */ values (1)", Kind::Select),
            ("with a(delete_) as (select 1) insert into t select * from a", Kind::Insert),
            ("WITH \"update\" AS (DELETE) SELECT 1", Kind::Select),
            ("with recursive x as (select 1) update t set a = 1", Kind::Update),
            ("replace into t values ('it''s')", Kind::Insert),
            ("BEGIN IMMEDIATE", Kind::Transaction),
            ("end transaction", Kind::Transaction),
            ("rollback", Kind::Transaction),
            ("rollback transaction", Kind::Transaction),
            ("rollback to x", Kind::Other),
            ("ROLLBACK TRANSACTION TO SAVEPOINT x", Kind::Other),
            ("savepoint commit_", Kind::Other),
            ("VACUUM", Kind::Vacuum),
            ("create table t (a)", Kind::Other),
            ("/* never closed", Kind::Other),
            ("", Kind::Other),
            ("é", Kind::Other),
        ] {
            assert_eq!(Kind::of(sql), kind, "{sql}");
        }
    }
}
