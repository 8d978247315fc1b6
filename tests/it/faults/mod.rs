//! What others do to us: kill the process, hang, reset, fill the disk. Nothing accepted may be lost.

mod alert;
mod import;
mod kill;
mod process;
mod receipts;
mod slow;
mod store;
