CREATE TABLE `event` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`opened_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`first_time` integer NOT NULL,
	`last_time` integer NOT NULL,
	`updates` integer NOT NULL,
	`state` text NOT NULL,
	`detector` text NOT NULL,
	`category` text NOT NULL,
	`rule` integer NOT NULL,
	`severity` real NOT NULL,
	`source_ip` text,
	`target_ip` text,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `event_id_unique` ON `event` (`id`);--> statement-breakpoint
CREATE INDEX `event_by_time` ON `event` (`opened_at`,`seq`,`severity`,`rule`,`state`);--> statement-breakpoint
CREATE INDEX `event_by_detector` ON `event` (`detector`,`opened_at`,`seq`,`severity`,`state`);--> statement-breakpoint
CREATE INDEX `event_by_category` ON `event` (`category`,`opened_at`,`seq`,`severity`,`state`);--> statement-breakpoint
CREATE INDEX `event_by_source` ON `event` (`source_ip`,`opened_at`);--> statement-breakpoint
CREATE INDEX `event_by_target` ON `event` (`target_ip`,`opened_at`);--> statement-breakpoint
CREATE TABLE `tally` (
	`detector` text NOT NULL,
	`severity` real NOT NULL,
	`events` integer NOT NULL,
	PRIMARY KEY(`detector`, `severity`)
);
