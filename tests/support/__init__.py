"""What tests share: the command line, workflows, actions, the model of the contract."""
