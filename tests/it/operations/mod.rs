//! What whoever looks after an installation relies on: backups that can be restored, checks that find what is wrong, alerts
//! that fire, and files to install it by.

mod deployment;
mod drill;
mod logs;
mod nginx;
mod postgres;
mod prometheus;
mod restoring;
mod small;
mod tools;
mod traces;
mod verifying;
