//! Matching given values to a statement's parameters.

use crate::Params;
use crate::fault::Fault;

/// For each parameter of a statement the index of its value in `params`.
///
/// By position the numbers must agree. By name each parameter must have a name and a value, and
/// each value a parameter; a name given with its prefix goes before one without.
pub(crate) fn order(names: &[Option<String>], params: &Params) -> Result<Vec<u32>, Fault> {
    let values = match params {
        Params::Named(values) => values,
        Params::None => return by_position(names.len(), 0),
        Params::Positional(values) => return by_position(names.len(), values.len()),
    };
    let mut used = vec![false; values.len()];
    let mut order = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let Some(name) = name else {
            return Err(Fault::parameters(format!(
                "parameter {} has no name: give the values by position",
                index + 1
            )));
        };
        let bare = &name[1..];
        let find = |wanted: &str| values.iter().position(|(given, _)| given == wanted);
        let Some(at) = find(name).or_else(|| find(bare)) else {
            return Err(Fault::parameters(format!("there is no value for parameter {name}")));
        };
        used[at] = true;
        order.push(at as u32);
    }
    match used.iter().position(|used| !used) {
        Some(at) => {
            let name = &values[at].0;
            Err(Fault::parameters(format!("the statement has no parameter {name}")))
        }
        None => Ok(order),
    }
}

fn by_position(wanted: usize, given: usize) -> Result<Vec<u32>, Fault> {
    if wanted != given {
        return Err(Fault::parameters(format!(
            "the statement has {wanted} parameters, {given} values were given"
        )));
    }
    Ok((0..given as u32).collect())
}
