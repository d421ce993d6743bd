//! Random transactions that touch every kind of page: tables, indexes, overflow, free pages,
//! full-text and spatial shadow tables, and sizes that grow and shrink.

use fastrand::Rng;

/// A seeded stream of SQL scripts; each is one transaction.
pub struct Workload {
    rng: Rng,
    rows: u32,
    step: u32,
}

impl Workload {
    /// The stream of a seed. The first script makes the tables.
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), rows: 0, step: 0 }
    }

    /// The next transaction. It never fails on a database that ran all before it.
    pub fn next_script(&mut self) -> String {
        self.step += 1;
        if self.step == 1 {
            return "BEGIN;
                CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, body BLOB, n INTEGER);
                CREATE INDEX item_name ON item (name, n);
                CREATE VIRTUAL TABLE note USING fts5 (text);
                CREATE VIRTUAL TABLE place USING rtree (id, x0, x1);
                CREATE TABLE log (step INTEGER PRIMARY KEY, what TEXT) WITHOUT ROWID;
                COMMIT;"
                .into();
        }
        let body = match self.rng.u32(..100) {
            0..35 => self.insert(),
            35..55 => self.update(),
            55..70 => self.delete(),
            70..80 => self.shadow(),
            80..88 => self.savepoint(),
            88..93 => self.big(),
            93..96 => return "VACUUM;".into(),
            _ => format!(
                "CREATE TABLE IF NOT EXISTS extra{0} (a, b); INSERT INTO extra{0} VALUES ({1}, 'x');",
                self.rng.u32(..4),
                self.step
            ),
        };
        format!("BEGIN; {body} INSERT INTO log VALUES ({}, 'step'); COMMIT;", self.step)
    }

    /// The statements of the next transaction, one by one.
    pub fn next_statements(&mut self) -> Vec<String> {
        // No text of a workload holds a semicolon.
        let script = self.next_script();
        let statements = script.split(';').map(str::trim).filter(|sql| !sql.is_empty());
        statements.map(str::to_owned).collect()
    }

    fn word(&mut self) -> String {
        (0..self.rng.usize(3..12)).map(|_| self.rng.lowercase()).collect()
    }

    fn insert(&mut self) -> String {
        let mut sql = String::new();
        for _ in 0..self.rng.u32(1..12) {
            self.rows += 1;
            let (id, name, bytes) = (self.rows, self.word(), self.rng.u32(..900));
            let n = self.rng.i64(..);
            // Content that follows from the row, so that both databases hold the same bytes.
            sql += &format!(
                "INSERT INTO item VALUES ({id}, '{name}', CAST(printf('%0{bytes}d', {id}) AS BLOB), {n});"
            );
        }
        sql
    }

    fn some_id(&mut self) -> u32 {
        self.rng.u32(..self.rows.max(1)) + 1
    }

    fn update(&mut self) -> String {
        let (low, word) = (self.some_id(), self.word());
        format!(
            "UPDATE item SET name = '{word}' || id, n = n / 3 WHERE id BETWEEN {low} AND {low} + 8;"
        )
    }

    fn delete(&mut self) -> String {
        let low = self.some_id();
        let span = if self.rng.u32(..10) == 0 { 1000 } else { 10 };
        format!("DELETE FROM item WHERE id BETWEEN {low} AND {low} + {span};")
    }

    fn shadow(&mut self) -> String {
        let (one, two, x) = (self.word(), self.word(), self.rng.i32(-1000..1000));
        format!(
            "INSERT INTO note VALUES ('{one} {two} common'); INSERT INTO place VALUES (NULL, {x}, {x} + 5);"
        )
    }

    fn savepoint(&mut self) -> String {
        let (kept, undone) = (self.update(), self.delete());
        format!("{kept} SAVEPOINT s; {undone} ROLLBACK TO s; RELEASE s;")
    }

    fn big(&mut self) -> String {
        self.rows += 1;
        let (id, bytes) = (self.rows, self.rng.u32(20_000..200_000));
        format!(
            "INSERT INTO item VALUES ({id}, 'big', CAST(printf('%0{bytes}d', {id}) AS BLOB), 0);"
        )
    }
}
