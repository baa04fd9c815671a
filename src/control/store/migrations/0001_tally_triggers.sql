-- The tally follows its events within their transaction. Drizzle has no word for triggers.
CREATE TRIGGER `tally_insert` AFTER INSERT ON `event` BEGIN
	INSERT INTO `tally` (`detector`, `severity`, `events`) VALUES (new.`detector`, new.`severity`, 1)
	ON CONFLICT (`detector`, `severity`) DO UPDATE SET `events` = `events` + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `tally_delete` AFTER DELETE ON `event` BEGIN
	UPDATE `tally` SET `events` = `events` - 1 WHERE `detector` = old.`detector` AND `severity` = old.`severity`;
END;
--> statement-breakpoint
CREATE TRIGGER `tally_update` AFTER UPDATE OF `detector`, `severity` ON `event`
WHEN old.`detector` <> new.`detector` OR old.`severity` <> new.`severity` BEGIN
	UPDATE `tally` SET `events` = `events` - 1 WHERE `detector` = old.`detector` AND `severity` = old.`severity`;
	INSERT INTO `tally` (`detector`, `severity`, `events`) VALUES (new.`detector`, new.`severity`, 1)
	ON CONFLICT (`detector`, `severity`) DO UPDATE SET `events` = `events` + 1;
END;
