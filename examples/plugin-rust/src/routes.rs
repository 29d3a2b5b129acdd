//! Which message goes to whom.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::message::Header;
use crate::platform::{Receiver, Route};

/// The routes in their order, each with the position of its receiver.
pub(crate) struct Routes(Vec<(Route, usize)>);

impl Routes {
    /// Finds each route's receiver.
    pub(crate) fn new(routes: Vec<Route>, receivers: &[Receiver]) -> Result<Self, String> {
        let with_position = |route: Route| {
            let position = receivers
                .iter()
                .position(|receiver| receiver.name == route.receiver)
                .ok_or_else(|| format!("a route leads to {}, who is unknown", route.receiver))?;
            Ok((route, position))
        };
        let routes: Result<_, String> = routes.into_iter().map(with_position).collect();
        routes.map(Self)
    }

    /// The position of the receiver of the first route that fits.
    pub(crate) fn receiver_of(&self, header: &Header<'_>) -> Option<usize> {
        let fits = |route: &Route| {
            let of_type = route.message_type.as_ref();
            let from = route.sending_facility.as_ref();
            of_type.is_none_or(|wanted| header.is_of_type(wanted))
                && from.is_none_or(|facility| header.is_from(facility))
        };
        let found = self.0.iter().find(|(route, _)| fits(route));
        found.map(|(_, position)| *position)
    }
}
