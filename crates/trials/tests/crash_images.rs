//! A crash at every boundary of the key-value store under SQL: whatever prefix of its log survives,
//! SQLite finds exactly one of the states that were committed, no older than the last acknowledged
//! one, in each database of the store.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use actor_sqlite_campaign::{Campaign, Counts, Sabotage};
use actor_sqlite_engine::MaintenanceBudget;
use actor_sqlite_kv::{CrashImage, FaultKv, Image, Kv, SyncMode, Ticket};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin, StoreError};
use actor_sqlite_session::{Action, Durability, OpenOptions};
use actor_sqlite_trials::{
    Database, Oracle, Stack, TickingClock, Workload, small_limits, small_open, small_options,
};
use fastrand::Rng;

/// Of one store.
const DATABASES: usize = 2;

#[derive(Clone)]
enum Op {
    Script(usize, String),
    /// Waits until all is durable.
    Durable(usize),
    Compact(usize),
    Maintain,
    Reopen(usize),
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(db, sql) => write!(f, "database {db}: {sql:.160}"),
            Self::Durable(db) => write!(f, "database {db}: wait until it is durable"),
            Self::Compact(db) => write!(f, "database {db}: compact"),
            Self::Maintain => f.write_str("maintain"),
            Self::Reopen(db) => write!(f, "database {db}: reopen"),
        }
    }
}

/// What a database held once all up to a ticket was ordered.
type States = BTreeMap<Ticket, Arc<Vec<String>>>;

/// What the engine sees of a store.
type Between = dyn Fn(Arc<FaultKv>) -> Arc<dyn Kv> + Sync;

fn actor(db: usize) -> ActorId {
    ActorId::new("trials", &format!("crash{db}")).unwrap()
}

fn stack(kv: Arc<dyn Kv>) -> Stack {
    Stack::new(kv, Arc::new(TickingClock::default()), small_options())
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

struct Run {
    kv: Arc<FaultKv>,
    stack: Stack,
    databases: [Option<Database>; DATABASES],
    oracles: [Oracle; DATABASES],
    states: [States; DATABASES],
    /// What a program was told to be durable: the boundary by then, and the ticket.
    acknowledged: Vec<(usize, Ticket)>,
}

impl Run {
    fn new(between: &Between) -> Self {
        let kv = FaultKv::with(Image::default(), SyncMode::OnDemand, small_limits());
        let kv = Arc::new(kv);
        let oracles: [Oracle; DATABASES] = Default::default();
        let states = [(); DATABASES]
            .map(|()| States::from([(Ticket::ZERO, Arc::new(Oracle::default().dump()))]));
        let (databases, stack) = (Default::default(), stack(between(kv.clone())));
        Self { kv, stack, databases, oracles, states, acknowledged: Vec::new() }
    }

    fn ordered(&self) -> Ticket {
        self.kv.boundaries().last().unwrap().ordered
    }

    /// No statement waits for durability, but those that ask for it.
    fn database(&mut self, db: usize) -> Result<&Database, String> {
        if self.databases[db].is_none() {
            let options = OpenOptions { durability: Durability::Gated, ..small_open() };
            self.databases[db] = Some(self.stack.open(&actor(db), options).map_err(text)?);
        }
        Ok(self.databases[db].as_ref().unwrap())
    }

    fn step(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Script(db, sql) => {
                let here = self.database(*db)?.script(sql);
                let oracle = &self.oracles[*db];
                let there = oracle.script(sql);
                let _ = oracle.script("ROLLBACK");
                if here.is_ok() != there.is_ok() {
                    return Err(format!("here {here:?}, in stock SQLite {there:?}"));
                }
                let dump = Arc::new(oracle.dump());
                let ordered = self.ordered();
                self.states[*db].insert(ordered, dump);
            }
            Op::Durable(db) => {
                self.database(*db)?.ask(Action::Durable).map_err(text)?;
                self.acknowledged.push((self.kv.boundaries().len() - 1, self.ordered()));
            }
            Op::Compact(db) => match self.stack.engine.compact(&actor(*db)) {
                Ok(_) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(text(error)),
            },
            Op::Maintain => {
                let report = self.stack.engine.maintain(MaintenanceBudget::default());
                if let Some((_, error)) = report.failures.first() {
                    return Err(text(error));
                }
            }
            Op::Reopen(db) => drop(self.databases[*db].take()),
        }
        Ok(())
    }

    /// Each distinct content that a crash could have left, none without what was acknowledged.
    fn images(&self, counts: &mut Counts) -> Result<BTreeMap<Ticket, CrashImage>, String> {
        let mut distinct = BTreeMap::new();
        for boundary in 0..self.kv.boundaries().len() {
            let told = self.acknowledged.iter().take_while(|(at, _)| *at <= boundary);
            let floor = told.map(|(_, ticket)| *ticket).max().unwrap_or(Ticket::ZERO);
            for crash in self.kv.crash_images_at(boundary) {
                counts.add("crash points", 1);
                if crash.kept < floor {
                    return Err(format!("{} was acknowledged, {} is lost", floor.0, crash.kept.0));
                }
                distinct.insert(crash.kept, crash);
            }
        }
        Ok(distinct)
    }
}

/// The store as recovered, and again as a crash right after the recovery leaves it.
fn recover(crash: &CrashImage, states: &[States; DATABASES]) -> Result<(), String> {
    let kv = crash.open();
    for round in 0..2 {
        let recovered = stack(kv.clone());
        for (db, states) in states.iter().enumerate() {
            let expected = states.range(..=crash.kept).next_back().unwrap().1;
            let open = recovered.open(&actor(db), small_open()).map_err(text)?;
            let dump = open.dump().map_err(text)?;
            if dump != **expected {
                let line = dump.iter().find(|line| !expected.contains(line));
                return Err(format!(
                    "database {db}, recovery {round}: other content: {line:.200?}"
                ));
            }
            open.close().map_err(text)?;
            let report = recovered.engine.verify(&actor(db)).map_err(text)?;
            if let Some(damage) = report.damage.first() {
                return Err(format!("database {db}: {}: {}", damage.row, damage.reason));
            }
            recovered.engine.compact(&actor(db)).map_err(text)?;
        }
    }
    Ok(())
}

fn run(ops: &[Op], between: &Between) -> Result<Counts, String> {
    let (mut run, mut counts) = (Run::new(between), Counts::default());
    for op in ops {
        run.step(op).map_err(|reason| format!("{op:?}: {reason}"))?;
    }
    for (kept, crash) in run.images(&mut counts)? {
        recover(&crash, &run.states).map_err(|reason| {
            format!("a crash that keeps the batches up to {}: {reason}", kept.0)
        })?;
        counts.add("images", 1);
        counts.add("recoveries", 2 * DATABASES as u64);
    }
    Ok(counts)
}

fn generate(seed: u64) -> Vec<Op> {
    let mut rng = Rng::with_seed(seed);
    let mut workloads = [seed, !seed].map(Workload::new);
    let mut ops = Vec::new();
    for _ in 0..35 {
        let db = rng.usize(..DATABASES);
        ops.push(Op::Script(db, workloads[db].next_script()));
        ops.extend(match rng.u32(..16) {
            0 => Some(Op::Durable(db)),
            1 | 2 => Some(Op::Compact(db)),
            3 | 4 => Some(Op::Maintain),
            5 => Some(Op::Reopen(db)),
            _ => None,
        });
    }
    ops
}

#[test]
fn every_crash_leaves_a_committed_state_and_every_acknowledged_one() {
    let arguments = "-p actor-sqlite-trials --test crash_images every_crash";
    let campaign = Campaign::new("crashes under SQL", arguments, None, 40);
    let counts = campaign.run_workloads(generate, |_, ops| run(ops, &|kv| kv));
    if campaign.cases >= 40 {
        assert!(counts.get("images") > 1_500, "{counts}");
    }
}

#[test]
fn an_answer_before_the_sync_is_noticed() {
    let arguments = "-p actor-sqlite-trials --test crash_images noticed";
    let campaign = Campaign { name: "a sync left out", arguments, seed: 1, cases: 20 };
    let found = campaign.first_failure(generate, |_, ops| run(ops, &|kv| Sabotage::syncs(kv)));
    let found = found.expect("somebody notices it");
    assert!(found.ops.len() <= 10, "{found}");
}
