//! A store that fails, or answers and does not say what happened, under the whole stack: each
//! statement does what it does in stock SQLite, or fails with a typed error and leaves no trace.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt;
use std::sync::Arc;

use actor_sqlite_campaign::{Campaign, Counts, Sabotage};
use actor_sqlite_kv::{Fault, FaultKv, Image, Kv, SyncMode};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin, StoreError};
use actor_sqlite_session::{Action, SessionError, TransactionId};
use actor_sqlite_trials::{
    Database, Oracle, Stack, TickingClock, Workload, small_limits, small_open, small_options,
};
use fastrand::Rng;

/// What goes wrong once.
#[derive(Clone, Copy, Debug)]
enum Strike {
    Unavailable,
    UnknownLanded,
    UnknownLost,
    SyncFails,
    /// The answer is lost, and the store away for some operations more, so that nobody can ask.
    LandedAndAway,
    LostAndAway,
}

const STRIKES: [Strike; 6] = [
    Strike::Unavailable,
    Strike::UnknownLanded,
    Strike::UnknownLost,
    Strike::SyncFails,
    Strike::LandedAndAway,
    Strike::LostAndAway,
];

#[derive(Clone)]
enum Op {
    Sql(String),
    /// The operation of the store so many from here fails.
    Strike(u64, Strike),
    Compact,
    Reopen,
    /// The faults end, and the content is compared.
    Compare,
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(sql) => write!(f, "{sql:.160}"),
            Self::Strike(after, strike) => write!(f, "-- {strike:?} {after} operations from here"),
            Self::Compact => f.write_str("-- compact"),
            Self::Reopen => f.write_str("-- reopen"),
            Self::Compare => f.write_str("-- compare"),
        }
    }
}

/// What the engine sees of a store.
type Between = dyn Fn(Arc<FaultKv>) -> Arc<dyn Kv> + Sync;

struct Run<'a> {
    between: &'a Between,
    kv: Arc<FaultKv>,
    stack: Stack,
    db: Option<Database>,
    transaction: Option<TransactionId>,
    oracle: Oracle,
    /// Stock SQLite without what is not committed, which is in the list.
    committed: Oracle,
    pending: Vec<String>,
    counts: Counts,
}

fn actor() -> ActorId {
    ActorId::new("trials", "faults").unwrap()
}

fn open(image: Image, between: &Between) -> (Arc<FaultKv>, Stack) {
    let kv = Arc::new(FaultKv::with(image, SyncMode::OnDemand, small_limits()));
    let stack = Stack::new(between(kv.clone()), Arc::new(TickingClock::default()), small_options());
    (kv, stack)
}

impl<'a> Run<'a> {
    fn new(between: &'a Between) -> Self {
        let (kv, stack) = open(Image::default(), between);
        Self {
            between,
            kv,
            stack,
            db: None,
            transaction: None,
            oracle: Oracle::default(),
            committed: Oracle::default(),
            pending: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn step(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Sql(sql) => self.statement(sql),
            Op::Strike(after, strike) => {
                self.strike(*after, *strike);
                Ok(())
            }
            Op::Compact => {
                let compacted = self.stack.engine.compact(&actor()).map(drop);
                let kept =
                    compacted.and_then(|()| self.stack.engine.reclaim(&actor(), 2).map(drop));
                match kept {
                    Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
                    Err(error) => self.failed(&error, None),
                }
            }
            Op::Reopen => {
                self.undo();
                self.db = None;
                Ok(())
            }
            Op::Compare => self.compare(),
        }
    }

    fn strike(&mut self, after: u64, strike: Strike) {
        let at = self.kv.counters().ops() + after;
        let (fault, away) = match strike {
            Strike::Unavailable => (Fault::Unavailable, 0),
            Strike::UnknownLanded => (Fault::UnknownLanded, 0),
            Strike::UnknownLost => (Fault::UnknownLost, 0),
            Strike::SyncFails => (Fault::SyncFails, 0),
            Strike::LandedAndAway => (Fault::UnknownLanded, 30),
            Strike::LostAndAway => (Fault::UnknownLost, 30),
        };
        self.kv.fail_op(at, fault);
        for more in 1..=away {
            self.kv.fail_op(at + more, Fault::Unavailable);
        }
    }

    /// Runs a statement here, and if it succeeds in stock SQLite.
    fn statement(&mut self, sql: &str) -> Result<(), String> {
        // What is left of a transaction that did not begin, or is begun anew.
        let open = self.transaction.is_some();
        let inside = ["COMMIT", "SAVEPOINT", "ROLLBACK", "RELEASE"];
        let needs_one = inside.iter().any(|verb| sql.starts_with(verb));
        if if open { sql == "BEGIN" } else { needs_one } {
            return Ok(());
        }
        self.counts.add("statements", 1);
        let db = match self.db.take() {
            Some(db) => db,
            None => match self.stack.open(&actor(), small_open()) {
                Ok(db) => db,
                Err(error) => return self.refused(error, None),
            },
        };
        let outcome = match sql {
            "BEGIN" => db.begin().map(|transaction| self.transaction = Some(transaction)),
            "COMMIT" => db.ask_in(self.transaction.take(), Action::Commit).map(drop),
            sql => db.ask_in(self.transaction, Action::Script(sql.into())).map(drop),
        };
        let open = db.session().in_transaction();
        self.db = Some(db);
        match outcome {
            Ok(()) => self.done(sql),
            Err(error) => {
                self.counts.add("refused", 1);
                if !open || sql == "COMMIT" {
                    self.transaction = None;
                }
                self.refused(error, Some(sql))
            }
        }
    }

    /// A statement took place here, so it does in stock SQLite.
    fn done(&mut self, sql: &str) -> Result<(), String> {
        self.oracle.script(sql).map_err(|error| format!("stock SQLite: {error}"))?;
        self.pending.push(sql.to_owned());
        if sql == "COMMIT" || self.transaction.is_none() {
            for sql in self.pending.drain(..) {
                self.committed.script(&sql).map_err(|error| format!("stock SQLite: {error}"))?;
            }
        }
        Ok(())
    }

    fn refused(&mut self, error: SessionError, sql: Option<&str>) -> Result<(), String> {
        match error {
            SessionError::Store(error) => self.failed(&error, sql),
            SessionError::Sqlite { .. } | SessionError::TransactionOver { .. } => {
                // Stock SQLite refuses it too: what it needs was refused before.
                if let Some(sql) = sql
                    && self.oracle.script(sql).is_ok()
                {
                    return Err(format!("only here: {error}"));
                }
                self.counts.add("refused by both", 1);
                self.undo();
                Ok(())
            }
            SessionError::Closed => {
                self.db = None;
                self.undo();
                Ok(())
            }
            other => Err(format!("not an error of the store: {other}")),
        }
    }

    fn failed(&mut self, error: &StoreError, sql: Option<&str>) -> Result<(), String> {
        match error {
            StoreError::Unavailable { .. } => {
                self.counts.add("unavailable", 1);
                if self.transaction.is_none() {
                    self.undo();
                }
                Ok(())
            }
            StoreError::UnknownCommit { .. } => {
                self.counts.add("unknown", 1);
                self.find_out(sql.unwrap_or_default())
            }
            StoreError::Dead { .. } => {
                self.counts.add("dead", 1);
                self.transaction = None;
                self.undo();
                self.db = None;
                (self.kv, self.stack) = open(self.kv.power_loss_image().image, self.between);
                self.compare()
            }
            StoreError::Closed => {
                self.db = None;
                self.transaction = None;
                self.undo();
                Ok(())
            }
            error => Err(format!("not an error that the fault makes: {error}")),
        }
    }

    /// What is open is rolled back on both sides.
    fn undo(&mut self) {
        if let (Some(db), Some(transaction)) = (&self.db, self.transaction.take()) {
            let _ = db.ask_in(Some(transaction), Action::Rollback);
        }
        let _ = self.oracle.script("ROLLBACK");
        self.pending.clear();
    }

    /// The outcome of a statement is unknown: opening again shows the state after it or before it.
    fn find_out(&mut self, sql: &str) -> Result<(), String> {
        self.kv.clear_faults();
        self.transaction = None;
        self.db = None;
        let db = self.stack.open(&actor(), small_open()).map_err(|error| error.to_string())?;
        let there = db.dump().map_err(|error| error.to_string())?;
        self.db = Some(db);
        let landed = there != self.committed.dump();
        if landed {
            self.done(sql)?;
        } else {
            self.undo();
        }
        self.counts.add(if landed { "unknown, landed" } else { "unknown, not landed" }, 1);
        self.compare()
    }

    fn compare(&mut self) -> Result<(), String> {
        self.kv.clear_faults();
        if self.transaction.is_some() {
            return Ok(());
        }
        let db = match self.db.take() {
            Some(db) => db,
            None => self.stack.open(&actor(), small_open()).map_err(|error| error.to_string())?,
        };
        let (here, there) = match db.dump() {
            Ok(dump) => (dump, self.oracle.dump()),
            // A handle that is over by a fault of before; the next one is not.
            Err(_) => {
                self.db = None;
                drop(db);
                let db = self.stack.open(&actor(), small_open());
                let db = db.map_err(|error| error.to_string())?;
                let dumps = (db.dump().map_err(|error| error.to_string())?, self.oracle.dump());
                self.db = Some(db);
                return equal(&dumps.0, &dumps.1);
            }
        };
        self.db = Some(db);
        equal(&here, &there)
    }

    fn end(mut self) -> Result<Counts, String> {
        self.kv.clear_faults();
        self.undo();
        self.db = None;
        self.compare()?;
        let report = self.stack.engine.verify(&actor()).map_err(|error| error.to_string())?;
        if let Some(damage) = report.damage.first() {
            return Err(format!("{}: {}", damage.row, damage.reason));
        }
        self.counts.add("faults", self.kv.counters().faults);
        Ok(self.counts)
    }
}

fn equal(here: &[String], there: &[String]) -> Result<(), String> {
    if here == there {
        return Ok(());
    }
    let at = here.iter().zip(there).position(|(here, there)| here != there);
    let at = at.unwrap_or_else(|| here.len().min(there.len()));
    let line = |dump: &[String]| dump.get(at).map(|line| format!("{line:.200}"));
    Err(format!("{:?} is there, stock SQLite has {:?}", line(here), line(there)))
}

fn run(ops: &[Op], between: &Between) -> Result<Counts, String> {
    let mut run = Run::new(between);
    for op in ops {
        run.step(op).map_err(|reason| format!("{op:?}: {reason}"))?;
    }
    run.end()
}

/// Statements one by one, with strikes, compactions and openings in between.
fn random(seed: u64) -> Vec<Op> {
    let (mut rng, mut workload) = (Rng::with_seed(seed), Workload::new(seed));
    let mut ops = Vec::new();
    for script in 0..25 {
        for sql in workload.next_statements() {
            // The tables are made in peace.
            if script > 0 && rng.u32(..100) < 25 {
                ops.push(Op::Strike(rng.u64(1..12), STRIKES[rng.usize(..STRIKES.len())]));
            }
            ops.push(Op::Sql(sql));
        }
        ops.extend(match rng.u32(..10) {
            0 | 1 => Some(Op::Compact),
            2 => Some(Op::Reopen),
            3..6 => Some(Op::Compare),
            _ => None,
        });
    }
    ops
}

/// The same transactions each time, and each kind of strike at each operation of the store.
fn systematic(seed: u64) -> Vec<Op> {
    let mut workload = Workload::new(1);
    let mut scripts = |count: usize| -> Vec<Op> {
        (0..count).flat_map(|_| workload.next_statements()).map(Op::Sql).collect()
    };
    let mut ops = scripts(7);
    ops.extend([Op::Compact, Op::Reopen]);
    ops.push(Op::Strike(seed / 6 + 1, STRIKES[seed as usize % 6]));
    ops.extend(scripts(3));
    ops.push(Op::Compact);
    ops
}

#[test]
fn a_statement_succeeds_or_leaves_no_trace() {
    let arguments = "-p actor-sqlite-trials --test faults a_statement";
    let campaign = Campaign::new("faults under SQL", arguments, None, 60);
    let counts = campaign.run_workloads(random, |_, ops| run(ops, &|kv| kv));
    if campaign.cases >= 60 {
        assert!(counts.get("statements") > 5_000 && counts.get("refused") > 200, "{counts}");
    }
}

#[test]
fn a_fault_at_each_operation_leaves_no_trace() {
    let arguments = "-p actor-sqlite-trials --test faults a_fault_at_each";
    let campaign = Campaign::new("a fault at each operation", arguments, Some(0), 360);
    campaign.run_workloads(systematic, |_, ops| run(ops, &|kv| kv));
}

#[test]
fn a_lost_answer_taken_for_a_failure_is_noticed() {
    let arguments = "-p actor-sqlite-trials --test faults noticed";
    let name = "an unknown outcome taken for a failure";
    let campaign = Campaign { name, arguments, seed: 1, cases: 20 };
    let found = campaign.first_failure(random, |_, ops| run(ops, &|kv| Sabotage::outcomes(kv)));
    let found = found.expect("somebody notices it");
    assert!(found.ops.len() <= 10, "{found}");
}
