//! The JSON face and what surrounds it, through real HTTP on a socket.

mod server;
