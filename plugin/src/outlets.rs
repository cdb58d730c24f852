//! A stream's ways out of the host: those that the user switched on run, each with a thread of its own.
//!
//! Used by the host's main thread and the window's, never by the audio thread: starting and ending one takes time.

use std::sync::Arc;

use undertone::Stream;

use crate::carrier::{OscCarrier, WebCarrier};
use crate::panel::{OscOut, Readers, Settings, WebOut};
use crate::post::Post;
use crate::web::Server;

/// The ways out that are switched on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ways {
    osc: Option<OscOut>,
    web: Option<WebOut>,
}

impl Ways {
    /// What the user set.
    pub fn of(settings: &Settings) -> Self {
        Self {
            osc: settings.osc.clone().filter(|osc| osc.on),
            web: settings.web.clone().filter(|web| web.on),
        }
    }
}

/// What runs.
#[derive(Debug, Default)]
pub struct Outlets {
    ways: Ways,
    osc: Option<Result<Post, String>>,
    web: Option<Result<(Post, Arc<Server>), String>>,
}

impl Outlets {
    /// Starts what is wanted and ends what is not.
    pub fn follow(&mut self, ways: &Ways, stream: &Stream) {
        // The old one first, so that never two send.
        if self.ways.osc != ways.osc {
            self.osc = None;
            self.osc = ways
                .osc
                .clone()
                .map(|osc| Post::start(OscCarrier::new(osc)?, stream));
        }
        if self.ways.web != ways.web {
            self.web = None;
            self.web = ways.web.clone().map(|web| {
                let carrier = WebCarrier::new(web)?;
                let server = carrier.server();
                Ok((Post::start(carrier, stream)?, server))
            });
        }
        self.ways = ways.clone();
    }

    /// What is wrong with one of them, if something is.
    pub fn fault(&self) -> Option<String> {
        let osc = self.osc.as_ref().and_then(|sent| match sent {
            Ok(post) => post.fault(),
            Err(why) => Some(why.clone()),
        });
        osc.or_else(|| match self.web.as_ref()? {
            Ok((post, _)) => post.fault(),
            Err(why) => Some(why.clone()),
        })
    }

    /// Who reads over WebSocket, where that is served.
    pub fn readers(&self) -> Option<Readers> {
        let (_, server) = self.web.as_ref()?.as_ref().ok()?;
        Some(Readers {
            now: server.readers(),
            dropped: server.dropped(),
        })
    }
}
