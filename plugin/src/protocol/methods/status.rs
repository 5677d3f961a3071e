//! `status`: the session in short, as the older families tell it.

use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::error::RpcError;
use crate::protocol::method::methods;
use crate::protocol::state::state_of;

methods! {
    /// the State object
    Engine "status" Ask(read_status) () => (crate::protocol::state::State<'_>);
}

fn read_status(_: Option<&RawValue>) -> Result<Work, RpcError> {
    Ok(Box::new(|context| Answer::Now(Ok(state_of(context)))))
}
