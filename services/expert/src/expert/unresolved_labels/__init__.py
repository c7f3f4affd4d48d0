"""Labels of models that name no known taxon, and their matching after an import."""
