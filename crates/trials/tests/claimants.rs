//! Two whole stacks, as two hosts have them, that claim one actor from each other at any moment:
//! between statements, and before any operation of the store that a statement of the other makes.
//! What is acknowledged is one history, and whoever lost the actor is told.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actor_sqlite_campaign::{Campaign, Counts};
use actor_sqlite_kv::{FaultKv, Image, SyncMode};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin, StoreError};
use actor_sqlite_session::{Action, SessionError, TransactionId};
use actor_sqlite_trials::{
    Database, Oracle, Stack, TickingClock, Workload, small_limits, small_open, small_options,
};
use fastrand::Rng;

#[derive(Clone)]
enum Op {
    /// A statement of one of the two, who claims the actor if it has no handle.
    Sql(usize, String),
    /// The other one claims the actor, and commits a script, before the operation of the store so
    /// many from here.
    Intrude(u64, String),
    Compact(usize),
    Close(usize),
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(who, sql) => write!(f, "host {who}: {sql:.120}"),
            Self::Intrude(after, sql) => {
                write!(f, "the other, {after} operations from here: {sql:.120}")
            }
            Self::Compact(who) => write!(f, "host {who}: compact"),
            Self::Close(who) => write!(f, "host {who}: close"),
        }
    }
}

/// One of the two.
struct Host {
    stack: Stack,
    db: Option<Database>,
    transaction: Option<TransactionId>,
}

struct Run {
    kv: Arc<FaultKv>,
    hosts: [Arc<Mutex<Host>>; 2],
    /// Who has the actor.
    owner: Option<usize>,
    oracle: Oracle,
    counts: Counts,
}

fn actor() -> ActorId {
    ActorId::new("trials", "claimed").unwrap()
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

impl Host {
    fn new(kv: Arc<FaultKv>, unguarded: bool) -> Self {
        let mut options = small_options();
        options.engine.unguarded_commits = unguarded;
        let stack = Stack::new(kv, Arc::new(TickingClock::default()), options);
        Self { stack, db: None, transaction: None }
    }

    /// Waits for the end, so that nothing of a handle goes on beside the next statement.
    fn close(&mut self) {
        self.transaction = None;
        if let Some(db) = self.db.take() {
            // A handle that is over says so once more.
            let _ = db.close();
        }
    }

    fn open(&mut self) -> Result<(), SessionError> {
        self.close();
        self.db = Some(self.stack.open(&actor(), small_open())?);
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Result<(), SessionError> {
        let Some(db) = &self.db else { return Err(SessionError::Closed) };
        match sql {
            "BEGIN" => self.transaction = Some(db.begin()?),
            "COMMIT" => drop(db.ask_in(self.transaction.take(), Action::Commit)?),
            sql => drop(db.ask_in(self.transaction, Action::Script(sql.into()))?),
        }
        Ok(())
    }
}

/// The first line in which two dumps differ.
fn equal(here: &[String], there: &[String]) -> Result<(), String> {
    let at = (0..here.len().max(there.len())).find(|&at| here.get(at) != there.get(at));
    let Some(at) = at else { return Ok(()) };
    Err(format!("{:?} is there, stock SQLite has {:?}", here.get(at), there.get(at)))
}

/// Whether a statement was refused because the actor was claimed.
fn fenced(error: &SessionError) -> bool {
    matches!(
        error,
        SessionError::Store(StoreError::Fenced { expected_generation, actual_generation, .. })
            if expected_generation < actual_generation
    )
}

impl Run {
    fn new(unguarded: bool) -> Self {
        let kv = FaultKv::with(Image::default(), SyncMode::OnDemand, small_limits());
        let kv = Arc::new(kv);
        let host = || Arc::new(Mutex::new(Host::new(kv.clone(), unguarded)));
        let hosts = [host(), host()];
        Self { kv, hosts, owner: None, oracle: Oracle::default(), counts: Counts::default() }
    }

    fn step(&mut self, op: &Op, intrusion: &mut Option<(u64, String)>) -> Result<(), String> {
        match op {
            Op::Sql(who, sql) => self.statement(*who, sql, intrusion.take()),
            Op::Intrude(after, sql) => {
                *intrusion = Some((*after, sql.clone()));
                Ok(())
            }
            Op::Compact(who) => {
                let host = self.hosts[*who].lock().unwrap();
                let done = host.stack.engine.compact(&actor()).map(drop);
                match done.and_then(|()| host.stack.engine.reclaim(&actor(), 2).map(drop)) {
                    Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
                    Err(error) => Err(text(error)),
                }
            }
            Op::Close(who) => {
                self.hosts[*who].lock().unwrap().close();
                self.lost(*who);
                Ok(())
            }
        }
    }

    /// A host's handle is over; what it had not committed is gone.
    fn lost(&mut self, who: usize) {
        if self.owner == Some(who) {
            self.owner = None;
            let _ = self.oracle.script("ROLLBACK");
        }
    }

    fn claim(&mut self, who: usize) -> Result<(), String> {
        let _ = self.oracle.script("ROLLBACK");
        self.hosts[who].lock().unwrap().open().map_err(|error| format!("claim: {error}"))?;
        self.counts.add("claims", 1);
        self.owner = Some(who);
        let host = self.hosts[who].lock().unwrap();
        let dump = host.db.as_ref().unwrap().dump().map_err(text)?;
        equal(&dump, &self.oracle.dump()).map_err(|line| format!("claimed another history: {line}"))
    }

    fn statement(
        &mut self,
        who: usize,
        sql: &str,
        intrusion: Option<(u64, String)>,
    ) -> Result<(), String> {
        let host = self.hosts[who].clone();
        if host.lock().unwrap().db.is_none() {
            self.claim(who)?;
        }
        let open = host.lock().unwrap().transaction.is_some();
        let inside = ["COMMIT", "SAVEPOINT", "ROLLBACK", "RELEASE"];
        let needs_one = inside.iter().any(|verb| sql.starts_with(verb));
        if if open { sql == "BEGIN" } else { needs_one } {
            return Ok(());
        }
        self.counts.add("statements", 1);
        let intruded = intrusion.map(|(after, script)| self.intrude(1 - who, after, script));
        let outcome = host.lock().unwrap().run(sql);
        self.kv.set_hook(None);
        let intruded = intruded.and_then(|intruded| intruded.lock().unwrap().take());
        if self.owner == Some(who) && intruded.is_none() && outcome.as_ref().is_err_and(fenced) {
            return Err("fenced, and nobody had claimed the actor".into());
        }
        self.judge(who, sql, &outcome)?;
        match intruded {
            Some(intruded) => self.after_intrusion(who, intruded),
            None => Ok(()),
        }
    }

    /// The other host acts on the thread of the store's operation, which waits for it.
    fn intrude(&self, other: usize, after: u64, script: String) -> Arc<Mutex<Option<Intruded>>> {
        let intruded = Arc::new(Mutex::new(None));
        let (host, result) = (self.hosts[other].clone(), intruded.clone());
        let left = AtomicU64::new(after);
        self.kv.set_hook(Some(Arc::new(move |_, _| {
            // The intruder's own operations come here as well, when there is nothing left.
            let before =
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            if before == Ok(1) {
                let (mut host, mut result) = (host.lock().unwrap(), result.lock().unwrap());
                let opened = host.open();
                let found = opened.and_then(|()| host.db.as_ref().unwrap().dump());
                let outcome = host.run(&script);
                let script = script.clone();
                *result = Some(Intruded { script, found, outcome });
            }
            None
        })));
        intruded
    }

    /// A statement of a host that had the actor when it began, or had lost it already.
    fn judge(
        &mut self,
        who: usize,
        sql: &str,
        outcome: &Result<(), SessionError>,
    ) -> Result<(), String> {
        let owns = self.owner == Some(who);
        match outcome {
            Ok(()) if owns => self.oracle.script(sql).map_err(|e| format!("stock SQLite: {e}")),
            // It may read and write what it holds in memory; it may not commit.
            Ok(()) if self.hosts[who].lock().unwrap().transaction.is_some() => Ok(()),
            Ok(()) => self.idle_commit(sql),
            Err(error) if fenced(error) => {
                self.counts.add("fenced", 1);
                self.hosts[who].lock().unwrap().close();
                Ok(())
            }
            Err(SessionError::Sqlite { .. }) if owns => match self.oracle.script(sql) {
                Err(_) => {
                    let mut host = self.hosts[who].lock().unwrap();
                    if let (Some(db), Some(open)) = (&host.db, host.transaction) {
                        let _ = db.ask_in(Some(open), Action::Rollback);
                    }
                    host.transaction = None;
                    let _ = self.oracle.script("ROLLBACK");
                    Ok(())
                }
                Ok(()) => Err(format!("only here: {outcome:?}")),
            },
            Err(SessionError::Sqlite { .. } | SessionError::TransactionOver { .. }) if !owns => {
                Ok(())
            }
            Err(error) => Err(format!("host {who}, owner {:?}: {error}", self.owner)),
        }
    }

    /// A commit by a host that had lost the actor: it must have changed nothing.
    fn idle_commit(&mut self, sql: &str) -> Result<(), String> {
        self.counts.add("commits of nothing", 1);
        let owner = self.owner.map(|who| self.hosts[who].clone());
        let Some(owner) = owner else { return Ok(()) };
        let owner = owner.lock().unwrap();
        if owner.transaction.is_some() {
            return Ok(());
        }
        let dump = owner.db.as_ref().unwrap().dump().map_err(text)?;
        if dump == self.oracle.dump() { Ok(()) } else { Err(format!("{sql} of the loser landed")) }
    }

    /// The other host claimed the actor in the middle of a statement, which was judged already.
    fn after_intrusion(&mut self, who: usize, intruded: Intruded) -> Result<(), String> {
        self.counts.add("intrusions", 1);
        let Intruded { script, found, outcome } = intruded;
        let found = found.map_err(|error| format!("the intruder: {error}"))?;
        // What the other had open, or had open before it was fenced, is gone.
        let _ = self.oracle.script("ROLLBACK");
        if found != self.oracle.dump() {
            return Err(format!("the intruder of host {who} found another history"));
        }
        outcome.map_err(|error| format!("the intruder's script: {error}"))?;
        self.owner = Some(1 - who);
        self.oracle.script(&script).map_err(|error| format!("stock SQLite: {error}"))
    }

    fn end(mut self) -> Result<Counts, String> {
        for who in [0, 1] {
            self.claim(who)?;
        }
        let host = self.hosts[0].lock().unwrap();
        let report = host.stack.engine.verify(&actor()).map_err(text)?;
        match report.damage.first() {
            None => Ok(self.counts.clone()),
            Some(damage) => Err(format!("{}: {}", damage.row, damage.reason)),
        }
    }
}

/// What came of an intrusion.
struct Intruded {
    script: String,
    /// The content when the intruder had claimed the actor.
    found: Result<Vec<String>, SessionError>,
    outcome: Result<(), SessionError>,
}

fn run(ops: &[Op], unguarded: bool) -> Result<Counts, String> {
    let (mut run, mut intrusion) = (Run::new(unguarded), None);
    for op in ops {
        run.step(op, &mut intrusion).map_err(|reason| format!("{op:?}: {reason}"))?;
    }
    run.end()
}

fn generate(seed: u64) -> Vec<Op> {
    let (mut rng, mut workload) = (Rng::with_seed(seed), Workload::new(seed));
    let mut ops = vec![Op::Sql(0, "CREATE TABLE seen (host, n)".into())];
    for script in 0..25_u32 {
        let who = rng.usize(..2);
        for sql in workload.next_statements() {
            // Most operations of the store are those of a commit.
            let often = if sql == "COMMIT" { 50 } else { 10 };
            if script > 0 && rng.u32(..100) < often {
                let sql = format!("INSERT INTO seen VALUES ({}, {script})", 1 - who);
                ops.push(Op::Intrude(rng.u64(1..5), sql));
            }
            // The other one interferes in the middle of the transaction, or is told so.
            if script > 0 && rng.u32(..100) < 8 {
                let sql = format!("INSERT INTO seen VALUES ({}, {script})", 1 - who);
                ops.push(Op::Sql(1 - who, sql));
            }
            ops.push(Op::Sql(who, sql));
        }
        ops.extend(match rng.u32(..10) {
            0 | 1 => Some(Op::Compact(rng.usize(..2))),
            2 => Some(Op::Close(rng.usize(..2))),
            _ => None,
        });
    }
    ops
}

#[test]
fn two_hosts_make_one_history() {
    let arguments = "-p actor-sqlite-trials --test claimants two_hosts";
    let campaign = Campaign::new("two hosts under SQL", arguments, None, 80);
    let counts = campaign.run_workloads(generate, |_, ops| run(ops, false));
    if campaign.cases >= 80 {
        assert!(counts.get("intrusions") > 100 && counts.get("fenced") > 100, "{counts}");
    }
}

#[test]
fn a_commit_without_a_guard_is_noticed() {
    let arguments = "-p actor-sqlite-trials --test claimants noticed";
    let name = "commits without a guard";
    let campaign = Campaign { name, arguments, seed: 1, cases: 20 };
    let found = campaign.first_failure(generate, |_, ops| run(ops, true));
    let found = found.expect("somebody notices it");
    assert!(found.ops.len() <= 10, "{found}");
}
