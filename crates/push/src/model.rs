//! What callers send, read into types that cannot be wrong: devices and messages, all faults told at once.

mod device;
mod message;

pub use device::{DeviceForm, Subscription};
pub use message::{Audience, Draft, Urgency};

use gate::{Input, Problem};
use kernel::{Code, FieldError};
use serde_json::{Map, Value};

/// Users or devices that one message names at most.
pub const AUDIENCE_MAX: usize = 1_000;
/// Code points of a title.
pub const TITLE_MAX: usize = 200;
/// Code points of a body.
pub const BODY_MAX: usize = 2_000;
/// Bytes of an address of a page or an image.
pub const LINK_MAX: usize = 2_000;
/// Bytes of `data`, as JSON.
pub const DATA_BYTES_MAX: usize = 2_048;
/// Code points of a collapse key.
pub const COLLAPSE_KEY_MAX: usize = 64;
/// Seconds that a push service keeps a message: four weeks, the longest that all of them take.
pub const TTL_SECONDS_MAX: u32 = 2_419_200;
/// The same, unless the message says it: three days, so that a phone that was off over a weekend still gets it.
pub const TTL_SECONDS_DEFAULT: u32 = 259_200;
/// Bytes of a payload before it is encrypted. Encrypted it has at most 3,286, within the 4,096 that every push service
/// takes (RFC 8030, section 7.2); it is what the library that encrypts takes.
pub const PAYLOAD_BYTES_MAX: usize = 3_052;

fn required(input: &mut Input, name: &str) {
    input.fault(name, "required", "This is required.");
}

/// The member as an object, or a fault.
fn object(input: &mut Input, name: &str) -> Option<Map<String, Value>> {
    match input.take(name) {
        Some(Value::Object(object)) => return Some(object),
        None | Some(Value::Null) => required(input, name),
        Some(_) => input.fault(name, "not_an_object", "This must be an object."),
    }
    None
}

/// Reads an object within the member `name`; its faults are told with those around it.
fn inside<T>(
    input: &mut Input,
    name: &str,
    object: Map<String, Value>,
    read: impl FnOnce(&mut Input) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let within = |problem: &Problem| -> Vec<FieldError> {
        let errors = problem.field_errors().iter().map(|e| FieldError {
            path: format!("/{name}{}", e.path),
            ..e.clone()
        });
        errors.collect()
    };
    let mut inner = Input::new(object);
    let value = read(&mut inner).map_err(|p| Problem::new(p.code()).errors(within(&p)))?;
    match inner.finish() {
        Err(problem) if problem.code() == Code::UnknownField => {
            Err(Problem::new(Code::UnknownField).errors(within(&problem)))
        }
        Err(problem) => {
            within(&problem).into_iter().for_each(|e| input.push(e));
            Ok(value)
        }
        Ok(()) => Ok(value),
    }
}

#[cfg(test)]
mod tests;
