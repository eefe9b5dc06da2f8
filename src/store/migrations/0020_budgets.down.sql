DROP TABLE budget_events;
DROP TABLE budget_reservations;
DROP TABLE budget_periods;
DROP TABLE budgets;
